# Sourced by tests/run and examples/quickstart: installs what a list of Debian packages names and is not there yet.

# install_packages LIST: one package a line, "#" begins a comment.
install_packages() {
	local missing=() package
	while read -r package _; do
		case $package in ''|'#'*) continue ;; esac
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
	done <"$1"
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || {
		echo "missing: ${missing[*]}; this system has no apt-get, install them by hand" >&2
		return 1
	}
	[ "$(id -u)" = 0 ] || {
		echo "missing: ${missing[*]}; run as root, or: sudo apt-get install ${missing[*]}" >&2
		return 1
	}
	printf '== install %s\n' "${missing[*]}"
	local log
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	# The lists first only where the install does not work without: CI machines have fresh ones.
	if ! apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
		{ apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null || {
			tail -20 "$log" >&2
			echo "apt-get could not install: ${missing[*]}" >&2
			rm -f "$log"
			return 1
		}
	fi
	rm -f "$log"
}
