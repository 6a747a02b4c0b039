# elvish completion for paperboat
use str

set edit:completion:arg-completer[paperboat] = {|@words|
    var current = $words[-1]
    var before = $words[..-1]
    e:paperboat complete --word=$current -- $@before 2>/dev/null | from-lines | each {|line|
        var value @help = (str:split "\t" $line)
        var after = ' '
        if (or (str:has-suffix $value '=') (str:has-suffix $value '@') (str:has-suffix $value '/')) {
            set after = ''
        }
        var shown = $value
        if (and (> (count $help) 0) (not-eq $help[0] '')) {
            set shown = $value' ('$help[0]')'
        }
        edit:complex-candidate $value &display=$shown &code-suffix=$after
    }
}
