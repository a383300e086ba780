# Three hosts in network namespaces, for live tests to source: a client, a gateway, a server. hosts_up makes them.
#
#   client 10.90.1.2, fd90:1::2  --  10.90.1.1, fd90:1::1  gateway  10.90.2.1, fd90:2::1  --  10.90.2.2, fd90:2::2  server
#
# client, gateway and server run a command there; *_daemon in the background, until hosts_down. OUT is a folder of the test's own. Hosts and
# folder go when the test ends, by live_end; KEEP=1 keeps the folder.
set -u
[ "$(id -u)" = 0 ] || { echo "live tests need root: network namespaces and packet capture" >&2; exit 1; }
OUT=$(mktemp -d "${TMPDIR:-/tmp}/sockwhy-live.XXXXXX")
chmod 755 "$OUT"
live_end() {
	hosts_down
	[ -n "${KEEP:-}" ] && echo "kept: $OUT" >&2 || rm -rf "$OUT"
}
trap live_end EXIT
SELF=$$
CLIENT_NS=swc$SELF GATEWAY_NS=swg$SELF SERVER_NS=sws$SELF
CLIENT=10.90.1.2 GATEWAY=10.90.1.1 SERVER=10.90.2.2 CLIENT6=fd90:1::2 SERVER6=fd90:2::2
client() { ip netns exec "$CLIENT_NS" "$@"; }
gateway() { ip netns exec "$GATEWAY_NS" "$@"; }
server() { ip netns exec "$SERVER_NS" "$@"; }
client_daemon() { ip netns exec "$CLIENT_NS" setsid "$@" >>"$OUT/daemons.log" 2>&1 </dev/null & }
server_daemon() { ip netns exec "$SERVER_NS" setsid "$@" >>"$OUT/daemons.log" 2>&1 </dev/null & }
gateway_daemon() { ip netns exec "$GATEWAY_NS" setsid "$@" >>"$OUT/daemons.log" 2>&1 </dev/null & }
# listening server tcp 8080: returns once it does
listening() {
	local where=$1 option=-ltn try
	[ "$2" = udp ] && option=-lun
	for try in $(seq 200); do
		"$where" ss -H $option "sport = :$3" | grep -q . && return 0
		sleep 0.05
	done
	echo "nothing listens on $2 port $3 of the $where" >&2
	return 1
}
# connected client 8080: returns once a connection to that port stands
connected() {
	local where=$1 try
	for try in $(seq 400); do
		"$where" ss -Htn state established "dport = :$2" | grep -q . && return 0
		sleep 0.05
	done
	echo "the $where does not connect to port $2" >&2
	return 1
}
hosts_up() {
	local ns link
	for ns in "$CLIENT_NS" "$GATEWAY_NS" "$SERVER_NS"; do
		ip netns add "$ns" && ip -n "$ns" link set lo up
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
	done
	ip link add up0 netns "$CLIENT_NS" type veth peer name down0 netns "$GATEWAY_NS"
	ip link add up0 netns "$SERVER_NS" type veth peer name down1 netns "$GATEWAY_NS"
	ip -n "$CLIENT_NS" addr add $CLIENT/24 dev up0
	ip -n "$CLIENT_NS" addr add $CLIENT6/64 dev up0 nodad
	ip -n "$SERVER_NS" addr add $SERVER/24 dev up0
	ip -n "$SERVER_NS" addr add $SERVER6/64 dev up0 nodad
	ip -n "$GATEWAY_NS" addr add $GATEWAY/24 dev down0
	ip -n "$GATEWAY_NS" addr add fd90:1::1/64 dev down0 nodad
	ip -n "$GATEWAY_NS" addr add 10.90.2.1/24 dev down1
	ip -n "$GATEWAY_NS" addr add fd90:2::1/64 dev down1 nodad
	gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for link in "$CLIENT_NS up0" "$SERVER_NS up0" "$GATEWAY_NS down0" "$GATEWAY_NS down1"; do
		ip -n ${link% *} link set "${link#* }" up
		# a veth pair hands over unfinished checksums and oversized segments: make the wire look like one
		ip netns exec ${link% *} ethtool -K "${link#* }" tx off tso off gso off gro off >/dev/null 2>&1
	done
	ip -n "$CLIENT_NS" route add default via $GATEWAY
	ip -n "$CLIENT_NS" -6 route add default via fd90:1::1
	ip -n "$SERVER_NS" route add default via 10.90.2.1
	ip -n "$SERVER_NS" -6 route add default via fd90:2::1
	# short timers: a connect gives up after 7 s (linear time-outs), data after some 6 s
	client sysctl -qw net.ipv4.tcp_syn_retries=2 net.ipv4.tcp_retries2=4
	server sysctl -qw net.ipv4.tcp_synack_retries=2 net.ipv4.tcp_retries2=4
	# IPv6 sends nothing before the carrier was noticed, and the first packets of a test shall meet known neighbours
	for link in 1 2 3 4 5 6 7 8 9 10; do
		client ping -6 -c 1 -W 1 -q $SERVER6 >/dev/null 2>&1 && break
		sleep 0.1
	done
	client ping -c 1 -W 1 -q $SERVER >/dev/null 2>&1
}
hosts_down() {
	local ns pid
	for ns in "$CLIENT_NS" "$GATEWAY_NS" "$SERVER_NS"; do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
		ip netns del "$ns" 2>/dev/null
		rm -rf "/etc/netns/$ns"
	done
}
# waiting: what each thread of the client's and the server's processes waits for
waiting() {
	local ns pid
	for ns in "$CLIENT_NS" "$SERVER_NS"; do
		for pid in $(ip netns pids "$ns"); do
			echo "$ns $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" | head -c 100)"
			ps -L -o tid=,ppid=,stat=,etimes=,time=,wchan:24= -p "$pid"
			grep -H . /proc/"$pid"/task/*/syscall
		done
	done
}
