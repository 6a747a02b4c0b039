# bash completion for paperboat

_paperboat() {
    # Readline takes = and : for the ends of words, and bash breaks COMP_WORDS there: put
    # together again what no blank parts.
    local rest="${COMP_LINE:0:COMP_POINT}" word trimmed i
    local -a words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        trimmed="${rest#"${rest%%[![:space:]]*}"}"
        word="${COMP_WORDS[i]}"
        if ((i == COMP_CWORD)); then
            word="$trimmed"
        fi
        if ((i > 0)) && [[ $trimmed == "$rest" ]]; then
            words[${#words[@]} - 1]+="$word"
        else
            words+=("$word")
        fi
        rest="${trimmed#"$word"}"
    done

    # The word up to the cursor, without a quote that is still open, or what escapes.
    local last=$((${#words[@]} - 1)) current head='' quoted=''
    current="${words[last]}"
    if [[ $current == *[\'\"]* ]]; then
        quoted=yes
        head="${current%%[\'\"]*}"
        current="$head${current#*[\'\"]}"
    else
        current="${current//\\/}"
        # Readline replaces what follows the last of these only, and with an @ the @ itself.
        head="${current%"${current##*["$COMP_WORDBREAKS"]}"}"
        head="${head%@}"
    fi

    COMPREPLY=()
    local line value nospace=''
    while IFS= read -r line; do
        value="${line%%$'\t'*}"
        [[ $value == *[=@/] ]] && nospace=yes
        value="${value#"$head"}"
        [[ -n $quoted ]] || printf -v value %q "$value"
        # What stands at its beginning only is harmless here, and reads better as it is.
        COMPREPLY+=("${value/#\\~/\~}")
    done < <(paperboat complete --word="$current" -- "${words[@]:0:last}" 2>/dev/null)
    if [[ -n $nospace ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

if ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))); then
    complete -o nosort -F _paperboat paperboat
else
    complete -F _paperboat paperboat
fi
