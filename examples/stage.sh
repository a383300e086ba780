# Two hosts on one machine, for the examples: sourced by their `run`, which then is root in namespaces of its own.
#
#   here 192.0.2.10  ------  peer 192.0.2.80        (RFC 5737: addresses for documentation)
#
# peer COMMAND... runs there, there COMMAND... in the background; listening PORT waits until something listens on the peer.
# sockwhy COMMAND... runs the program itself: SOCKWHY names it (default: the one built by examples/quickstart, or installed), and
# SOCKWHY_OPTIONS adds options. Everything ends with the script, and nothing of this machine's network is touched.
set -u
if [ -z "${SOCKWHY_STAGED:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "${0##*/}: examples make network namespaces and capture packets: run as root (sudo $0)" >&2; exit 1; }
	SOCKWHY_STAGED=yes exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
stage=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOCKWHY=${SOCKWHY:-$stage/build/release/sockwhy}
[ -x "$SOCKWHY" ] || SOCKWHY=$(command -v sockwhy) || { echo "there is no sockwhy yet: run examples/quickstart" >&2; exit 1; }
PATH=/usr/sbin:/usr/bin:/sbin:/bin # the system's own programs
export LC_ALL=C.UTF-8
HERE=192.0.2.10 PEER=192.0.2.80
unshare --net sleep infinity &
peer_pid=$!
cd "$(dirname "$0")" || exit 1
peer() { nsenter --net=/proc/$peer_pid/ns/net "$@"; }
there() { peer "$@" >/dev/null 2>&1 </dev/null & }
sockwhy() { "$SOCKWHY" "$1" ${SOCKWHY_OPTIONS:-} "${@:2}" </dev/null; }
# until the command succeeds, at most 5 s
await() {
	local try
	for try in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
	echo "this was waited for in vain: $*" >&2
	exit 1
}
peer_listens() { peer ss -Hltun "sport = :$1" | grep -q .; }
listening() { await peer_listens "$1"; }
peer_is_apart() { [ "$(readlink /proc/$peer_pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
await peer_is_apart
ip link add eth0 type veth peer name eth0 netns $peer_pid
ip link set lo up && ip addr add $HERE/24 dev eth0 && ip link set eth0 up
peer ip link set lo up && peer ip addr add $PEER/24 dev eth0 && peer ip link set eth0 up
# a veth pair hands over unfinished checksums and oversized segments: make the wire look like one
ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
peer ethtool -K eth0 tx off tso off gso off gro off >/dev/null 2>&1
await ping -c 1 -W 1 -q $PEER
