"""`labcore completion`: scripts for bash, zsh and fish, which ask `labcore __complete` for candidates."""

from typing import Final

from labcore.cli.flags import Arguments, Parser

BASH: Final = r"""# bash completion of labcore; bash gets the part of a word behind the last of COMP_WORDBREAKS
_labcore() {
    local line=${COMP_LINE:0:COMP_POINT} current value behind candidate
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[-1]}
    value=$current
    [[ $current == -*=* ]] && value=${current#*=}
    behind=${current%"${current##*[$COMP_WORDBREAKS]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
            :files) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$value") ;;
            :directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
            *[:=]) compopt -o nospace; COMPREPLY+=("${candidate#"$behind"}") ;;
            *) COMPREPLY+=("${candidate#"$behind"}") ;;
        esac
    done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2> /dev/null)
}
complete -F _labcore labcore
"""

ZSH: Final = r"""#compdef labcore
_labcore() {
    local line
    local -a candidates open
    for line in "${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2> /dev/null)}"; do
        case $line in
            :files) _files ;;
            :directories) _files -/ ;;
            *[:=]$'\t'*) open+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            *$'\t'*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( $#open )) && _describe labcore open -S ''
    (( $#candidates )) && _describe labcore candidates
    return 0
}
compdef _labcore labcore
if [[ $funcstack[1] == _labcore ]]; then _labcore; fi
"""

FISH: Final = r"""# fish completion of labcore
function __labcore_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..] "$current" 2> /dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '^-.*=' '' -- "$current")
            case :directories
                __fish_complete_directories (string replace -r '^-.*=' '' -- "$current")
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c labcore -f -a '(__labcore_complete)'
"""

SCRIPTS: Final = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "For every new shell, write this into\n"
        "  ~/.bashrc                   source <(labcore completion bash)\n"
        "  ~/.zshrc, behind compinit   source <(labcore completion zsh)\n"
        "  ~/.config/fish/config.fish  labcore completion fish | source"
    )
    parser.add_argument("shell", choices=list(SCRIPTS), metavar="bash|zsh|fish", help="whose script")


def main(args: Arguments) -> int:
    """Print it."""
    print(SCRIPTS[args.shell], end="")
    return 0
