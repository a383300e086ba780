# bash completion for sockwhy. Made from src/install/sockwhy.bash.in; make it anew with tests/lint/generated BUILD --update
_sockwhy_codes() { sockwhy verdicts 2>/dev/null | awk '/^  / { print $1 }'; }
_sockwhy_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
_sockwhy_files() {
	mapfile -t COMPREPLY < <(compgen -f -- "$current")
	compopt -o filenames 2>/dev/null
}
_sockwhy_folders() {
	mapfile -t COMPREPLY < <(compgen -d -- "$current")
	compopt -o filenames 2>/dev/null
}
# The last of a list with commas.
_sockwhy_list() {
	local before=
	[[ $current != *,* ]] || before=${current%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${current##*,}")
	compopt -o nospace 2>/dev/null
}
_sockwhy_value() {
	case ${COMP_WORDS[1]}:$1 in
	*:--host) _sockwhy_words ''; return 0 ;;
	*:--each-failure) _sockwhy_folders; return 0 ;;
	*:--duration|*:--keep|*:--linger|*:--settle|*:--slow) _sockwhy_words '200ms 1s 5s 1m'; return 0 ;;
	*:--filter) _sockwhy_words ''; return 0 ;;
	*:--output|*:-o|explain:--also-on) _sockwhy_files; return 0 ;;
	*:--interface|*:-i) _sockwhy_words "any $(ls /sys/class/net)"; return 0 ;;
	*:--all) _sockwhy_words "$(ps -eo comm= | sort -u)"; return 0 ;;
	*:--max-incidents|*:--packets) _sockwhy_words ''; return 0 ;;
	*:--budget) _sockwhy_words '10 25 50 100'; return 0 ;;
	*:--clock-offset) _sockwhy_words ''; return 0 ;;
	*:--max-size) _sockwhy_words '1M 10M 100M 1G'; return 0 ;;
	*:--user) _sockwhy_words "$(compgen -u)"; return 0 ;;
	*:--fail-on|*:--on) _sockwhy_list "note slow failure $(_sockwhy_codes)"; return 0 ;;
	attach:--also-on|run:--also-on) _sockwhy_words "any $(ls /sys/class/net)"; return 0 ;;
	esac
	return 1
}
_sockwhy() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options i
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		_sockwhy_words 'run attach explain diff verdicts --help --version'
		return
	fi
	if [ "${COMP_WORDS[1]}" = run ]; then # behind -- or the first word that is no option the command has the say
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" = -- ] || continue
			if declare -F _command_offset >/dev/null; then _command_offset $((i + 1)); else _sockwhy_files; fi
			return
		done
	fi
	if [ "$current" = '=' ]; then
		current=
	elif [ "$previous" = '=' ]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	_sockwhy_value "$previous" && return
	case ${COMP_WORDS[1]} in
	run) options='-o -q -v -i -V --anonymize --fail-on --output --quiet --settle --slow --verbose --also-on --filter --interface --linger --live --payload --probe --detachable --user --each-failure --keep --max-incidents --max-size --on --until-failure --help --version' ;;
	attach) options='-o -q -v -i -V --anonymize --fail-on --output --quiet --settle --slow --verbose --also-on --filter --interface --linger --live --payload --probe --all --budget --duration --no-calls --only --packets --each-failure --keep --max-incidents --max-size --on --until-failure --help --version' ;;
	explain) options='-o -q -v -V --anonymize --fail-on --output --quiet --settle --slow --verbose --also-on --clock-offset --host --help --version' ;;
	diff) options='-V --settle --slow --json --help --version' ;;
	verdicts) options='-V --json --help --version' ;;
	*) return ;;
	esac
	case ${COMP_WORDS[1]}:$current in
	*:-*) _sockwhy_words "$options" ;;
	verdicts:*) _sockwhy_words "$(_sockwhy_codes)" ;;
	attach:*) _sockwhy_words "$(ps -eo pid=)" ;;
	run:*) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
	*) _sockwhy_files ;;
	esac
}
complete -F _sockwhy sockwhy
