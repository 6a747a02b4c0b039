# powershell completion for paperboat

Register-ArgumentCompleter -Native -CommandName paperboat -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $current = $wordToComplete.Trim("'", '"')
    $before = @(
        $commandAst.CommandElements |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
            ForEach-Object { $_.Extent.Text.Trim("'", '"') }
    )
    paperboat complete "--word=$current" -- @before 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        $text = if ($value -match '[\s;,()@{}$#&|<>]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
