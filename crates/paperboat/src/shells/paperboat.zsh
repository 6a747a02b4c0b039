#compdef paperboat
# zsh completion for paperboat

_paperboat() {
    # A quote within the word: zsh would put the candidate behind what is typed.
    [[ -z $QIPREFIX && ${words[CURRENT]} == *[\'\"]* ]] && return 1
    local line value help
    local -a done_words done_shown open_words open_shown
    for line in ${(f)"$(paperboat complete --word="${(Q)PREFIX}" -- "${(@Q)words[1,CURRENT-1]}" 2>/dev/null)"}; do
        value=${line%%$'\t'*}
        help=${line#*$'\t'}
        if [[ $value == *[=@/] ]]; then
            open_words+=("$value")
            open_shown+=("$value${help:+  -- $help}")
        else
            done_words+=("$value")
            done_shown+=("$value${help:+  -- $help}")
        fi
    done
    # What ends with one of = @ / goes on: no blank after it.
    (( $#open_words )) && compadd -l -V open -S '' -d open_shown -a open_words
    (( $#done_words )) && compadd -l -V done -d done_shown -a done_words
    (( $#open_words + $#done_words ))
}

if [[ ${funcstack[1]} == _paperboat ]]; then
    _paperboat "$@"
else
    compdef _paperboat paperboat
fi
