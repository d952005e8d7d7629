export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What each shell has to be told: to ask `holdfast complete`. Its first line is `files`, or `names` and then one a line.
 * What was typed and what is offered is data all the way, and evaluated nowhere.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for holdfast
_holdfast() {
  local kind
  COMPREPLY=()
  {
    IFS= read -r kind
    mapfile -t COMPREPLY
  } < <(command holdfast complete bash -- "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2> /dev/null < /dev/null)
  [[ $kind != files ]] || compopt -o default
}
complete -F _holdfast holdfast
`,
  zsh: `#compdef holdfast
# zsh completion for holdfast
_holdfast() {
  local line
  local -a lines values shown
  lines=("\${(@f)$(command holdfast complete zsh -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" 2> /dev/null < /dev/null)}")
  if [[ $lines[1] == files ]]; then
    [[ $PREFIX != --*=* ]] || compset -P '*='
    _files
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  compadd -l -d shown -a values
}
if [[ $funcstack[1] == _holdfast ]]; then
  _holdfast "$@"
else
  compdef _holdfast holdfast
fi
`,
  fish: `# fish completion for holdfast
function __holdfast_complete
    set -l current (commandline -ct)
    set -l lines (command holdfast complete fish -- (commandline -opc) "$current" 2> /dev/null < /dev/null)
    if test "$lines[1]" = files
        set -l option (string match -r -- '^--[^=]*=' "$current")
        for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
            printf '%s%s\\n' "$option" $path
        end
    else if set -q lines[2]
        printf '%s\\n' $lines[2..-1]
    end
end
complete -c holdfast -f -a '(__holdfast_complete)'
`,
};
