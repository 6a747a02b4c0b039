# fish completion for paperboat

function __cometapi_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    # It may have a quote that is still open, or blanks that are escaped.
    set current (string replace --all --regex '[\'"\\\\\\\\]' '' -- "$current")
    command paperboat complete --word="$current" -- $before 2>/dev/null
end

complete --command paperboat --no-files --keep-order --arguments '(__cometapi_complete)'
