/* Facts as they are put together, and the list of every kind and field: see probe_fact.h. */
#include "tracer/kernel/probe_fact.h"

#include <string.h>

#define N(kind, field, meaning) {kind, field, SW_FACT_NUMBER, meaning},
#define T(kind, field, meaning) {kind, field, SW_FACT_STRING, meaning},

/* clang-format off */
/* To add one: a row here, the same row in facts.md (a test compares them), and an sw_fact_add_*() in the probe that
 * knows it. */
const struct sw_fact_row sw_fact_rows[] = {
	N("netns", "number", "the session's number of the namespace")
	N("netns", "inode", "its inode, as in /proc/PID/ns/net")
	N("netns", "pid", "a process that is in it")
	N("netns", "cookie", "its SO_NETNS_COOKIE, 0 unknown")

	N("socket", "receive_timeout_ns", "SO_RCVTIMEO of a socket that was there before the session")
	N("socket", "send_timeout_ns", "its SO_SNDTIMEO")

	N("epoll", "fd", "a descriptor that was in an epoll set before the session; the fact's socket is the set")
	N("epoll", "member", "the object that it leads to")
	N("epoll", "events", "what is waited for, as in epoll_ctl(2)")
	N("epoll", "data", "the program's own word for it")

	T("tcp-info", "state", "state of the connection: established, syn-sent, ...")
	T("tcp-info", "congestion_state", "open, disorder, cwr, recovery, loss")
	N("tcp-info", "retransmits", "retransmissions of the oldest segment, in a row")
	N("tcp-info", "probes", "window or keepalive probes without an answer")
	N("tcp-info", "backoff", "doublings of the timer")
	N("tcp-info", "rto_us", "retransmission time-out")
	N("tcp-info", "rtt_us", "smoothed round trip")
	N("tcp-info", "rttvar_us", "its variation")
	N("tcp-info", "rcv_rtt_us", "the receiver's estimate of the round trip")
	N("tcp-info", "min_rtt_us", "the shortest round trip seen")
	N("tcp-info", "snd_mss", "bytes in a segment that is sent")
	N("tcp-info", "rcv_mss", "bytes in a segment that is received")
	N("tcp-info", "pmtu", "path MTU")
	N("tcp-info", "snd_cwnd", "congestion window, segments")
	N("tcp-info", "snd_wnd", "the peer's window, bytes")
	N("tcp-info", "unacked", "segments sent and not acknowledged")
	N("tcp-info", "sacked", "of them, acknowledged selectively")
	N("tcp-info", "lost", "of them, held for lost")
	N("tcp-info", "retrans", "of them, sent again")
	N("tcp-info", "total_retrans", "retransmissions in all")
	N("tcp-info", "last_data_sent_ms", "since data was last sent")
	N("tcp-info", "last_data_recv_ms", "since data was last received")
	N("tcp-info", "last_ack_recv_ms", "since an acknowledgement was last received")
	N("tcp-info", "bytes_sent", "payload sent, retransmissions included")
	N("tcp-info", "bytes_acked", "payload that the peer acknowledged")
	N("tcp-info", "bytes_received", "payload received and acknowledged")
	N("tcp-info", "bytes_retrans", "payload sent again")
	N("tcp-info", "notsent_bytes", "accepted from the program, never sent")
	N("tcp-info", "busy_us", "time with data under way")
	N("tcp-info", "rwnd_limited_us", "of it, limited by the peer's window")
	N("tcp-info", "sndbuf_limited_us", "of it, limited by the send buffer")

	T("listener", "address", "local end of the listening socket")
	N("listener", "queue", "connections that wait for accept")
	N("listener", "backlog", "how many may wait")

	N("receive-buffer", "used", "bytes that lie there unread, with the kernel's overhead")
	N("receive-buffer", "limit", "how many may (SO_RCVBUF)")
	N("receive-buffer", "drops", "datagrams that found no room, or were damaged, since the socket was made")

	T("route", "destination", "what was looked up")
	T("route", "type", "unicast, local, broadcast, multicast, anycast; unreachable, prohibit, blackhole, throw; none; error")
	N("route", "error", "errno of the look-up, 0: a way was found")
	T("route", "gateway", "the next hop's address; absent where the destination is on the link")
	T("route", "next_hop", "the gateway, else the destination; absent where nothing is asked for (local)")
	T("route", "device", "the interface")
	N("route", "device_index", "its index")
	N("route", "device_up", "1: it is up")
	N("route", "device_running", "1: it has a carrier")
	T("route", "source", "source address that the kernel would take")
	N("route", "table", "the routing table")
	N("route", "mtu", "MTU of the route, else of the device")
	N("route", "local", "1: the destination is an address of this host")

	N("veth", "netns", "a network namespace of the program's, whose device has its other end in the tool's")
	N("veth", "device_index", "index of the device, in there")
	T("veth", "peer", "the other end, here")
	N("veth", "peer_index", "its index")

	T("forwarding", "source", "the program's address")
	T("forwarding", "destination", "whom its packets are for")
	N("forwarding", "error", "errno of the look-up in the tool's network namespace for packets that come in from there, 0: a way was found")
	T("forwarding", "device", "the interface by which they would leave")

	T("neighbor", "address", "the next hop")
	T("neighbor", "device", "the interface")
	T("neighbor", "state", "reachable, stale, delay, probe, incomplete, failed, permanent, noarp, none; absent: no entry")
	T("neighbor", "lladdr", "its link address")
	N("neighbor", "probes", "solicitations without an answer so far")

	T("probe-path", "destination", "--probe: where the operation that failed went")
	T("probe-path", "answer", "to a SYN of the tool: SYN-ACK, RST, ICMP error, silence; not asked")
	N("probe-path", "answer_us", "after how long")
	T("probe-path", "answer_by", "who sent the ICMP error")
	N("probe-path", "hops", "routers that answered SYNs with rising TTL; absent where the first SYN was answered")
	T("probe-path", "hop", "the farthest of them")
	N("probe-path", "hop_ttl", "the TTL that ended there")
	N("probe-path", "ping", "1: the host answered an echo request; absent: no right to send one")
	N("probe-path", "ping_us", "after how long")
	N("probe-path", "distance", "hops to the host, as the TTL of its reply tells")

	T("probe-size", "destination", "--probe: where the operation that failed went")
	N("probe-size", "came_back", "the largest echo request with DF that was answered, bytes of the IP packet")
	N("probe-size", "silent", "the smallest that was not, 0: all that fit the interface were")
	T("probe-size", "too_big_by", "who said that one was too big")
	N("probe-size", "too_big_mtu", "and what it takes")

	T("probe-resolver", "name", "--probe: the name that was asked for")
	T("probe-resolver", "address", "the name server")
	T("probe-resolver", "answer", "its RCODE by name, or silence")
	N("probe-resolver", "addresses", "A records in the answer")

	T("probe-address", "destination", "--probe: where the operation that failed went")
	T("probe-address", "name", "its name")
	T("probe-address", "other", "another address of that name")
	T("probe-address", "answer", "to a SYN to the same port there: SYN-ACK, RST, silence, ...")

	T("port-range", "destination", "the remote end")
	N("port-range", "low", "first ephemeral port")
	N("port-range", "high", "last ephemeral port")
	N("port-range", "total", "how many there are")
	N("port-range", "used", "of them, local ports of sockets toward this remote end, TIME_WAIT included")
	N("port-range", "time_wait", "of those, in TIME_WAIT")
	N("port-range", "complete", "1: all sockets were looked at")

	N("fd-limit", "limit", "RLIMIT_NOFILE of the process")
	N("fd-limit", "hard", "its hard limit")
	N("fd-limit", "count", "descriptors open")
	N("fd-limit", "highest", "the highest descriptor")
	N("fd-limit", "sockets", "of them, sockets")
	N("fd-limit", "system_used", "files open in the system")
	N("fd-limit", "system_limit", "how many there may be")

	T("unix-path", "path", "as the program gave it, abstract names with @")
	T("unix-path", "kind", "socket, file, directory, fifo, device, missing, abstract, unknown")
	N("unix-path", "exists", "1: something is there")
	N("unix-path", "is_socket", "1: it is a socket")
	N("unix-path", "error", "errno of looking at it")
	T("unix-path", "mode", "permissions in octal")
	T("unix-path", "owner", "uid:gid")
	T("unix-path", "denied", "the first part of the path that the process may not pass or write")
	T("unix-path", "denied_mode", "its permissions in octal")
	T("unix-path", "denied_owner", "its uid:gid")
	T("unix-path", "missing", "the first part of the path that is not there")
	N("unix-path", "bound", "sockets bound there, 0: the file was left behind")
	N("unix-path", "listeners", "of them, listening")
	T("unix-path", "type", "stream, dgram, seqpacket: of the socket there")
	N("unix-path", "queue", "connections or bytes that wait there")
	N("unix-path", "backlog", "how many connections may wait")
	N("unix-path", "holder_pid", "a process that has the listening socket")
	T("unix-path", "holder_comm", "its name")

	T("port-holder", "address", "local end that the program wanted")
	N("port-holder", "port", "its port")
	T("port-holder", "protocol", "tcp, udp")
	T("port-holder", "state", "listen, established, time-wait, bound, ...")
	T("port-holder", "local", "local end of the socket that holds it")
	T("port-holder", "remote", "its remote end")
	N("port-holder", "sockets", "how many sockets hold it")
	N("port-holder", "inode", "of the one named here, 0: no descriptor leads to it")
	N("port-holder", "uid", "its owner")
	N("port-holder", "pid", "a process that has it; absent: none was found")
	T("port-holder", "comm", "that process's name")
	N("port-holder", "complete", "1: every process was looked at")

	T("address-local", "address", "what bind was given")
	N("address-local", "local", "1: an address of this host")

	N("process", "uid", "effective user")
	N("process", "seccomp", "0 none, 1 strict, 2 filter")
	N("process", "seccomp_filters", "how many, the tool's own included")
	N("process", "no_new_privs", "1: set")
	T("process", "cap_effective", "capabilities, in hexadecimal")
	N("process", "cap_net_bind_service", "1: it may bind ports below the unprivileged ones")
	N("process", "cap_net_raw", "1: it may use raw and packet sockets")
	N("process", "cap_net_admin", "1: it may change the network")
	T("process", "cgroup", "its control group: programs attached there may refuse calls")

	N("sysctl", "ip_unprivileged_port_start", "net.ipv4.ip_unprivileged_port_start")
	N("sysctl", "ipv6_disabled", "net.ipv6.conf.all.disable_ipv6, or that of the device; 1 where there is no IPv6")
	N("sysctl", "ip_nonlocal_bind", "net.ipv4.ip_nonlocal_bind")
	N("sysctl", "tcp_syn_retries", "net.ipv4.tcp_syn_retries")
	N("sysctl", "tcp_retries2", "net.ipv4.tcp_retries2")
	N("sysctl", "tcp_syn_linear_timeouts", "net.ipv4.tcp_syn_linear_timeouts")
	N("sysctl", "tcp_keepalive_time", "net.ipv4.tcp_keepalive_time, seconds")
	N("sysctl", "tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_intvl, seconds")
	N("sysctl", "tcp_keepalive_probes", "net.ipv4.tcp_keepalive_probes")
	N("sysctl", "rp_filter", "the larger of net.ipv4.conf.all.rp_filter and the device's")
	N("sysctl", "tcp_syncookies", "net.ipv4.tcp_syncookies: 0 never, 1 at a full queue, 2 always")
	N("sysctl", "tcp_max_syn_backlog", "net.ipv4.tcp_max_syn_backlog")
	N("sysctl", "somaxconn", "net.core.somaxconn")
	N("sysctl", "port_low", "first of net.ipv4.ip_local_port_range")
	N("sysctl", "port_high", "last of it")

	N("firewall", "nft_input", "chains of nftables at the input hook that have rules or drop")
	N("firewall", "nft_output", "the same at the output hook")
	N("firewall", "nft_output_drops", "of them, with the policy drop")
	N("firewall", "nft_input_drops", "at the input hook, with the policy drop")
	T("firewall", "iptables", "tables of iptables-legacy that are loaded")
	N("firewall", "xfrm_out", "IPsec policies for what leaves")
	N("firewall", "xfrm_in", "IPsec policies for what comes")

	T("translation", "protocol", "tcp, udp")
	T("translation", "original_source", "as the socket sent it")
	T("translation", "original_destination", "whom the socket speaks to")
	T("translation", "reply_source", "whom the answers come from, on the wire")
	T("translation", "reply_destination", "whom they are sent to, on the wire")

	T("counters", "when", "start, symptom, end")
	N("counters", "netns", "the session's number of the namespace")
	N("counters", "listen_overflows", "connections dropped at a full accept queue (TcpExt ListenOverflows)")
	N("counters", "listen_drops", "SYNs and ACKs dropped at listeners (TcpExt ListenDrops)")
	N("counters", "rp_filter", "dropped by the reverse path filter (TcpExt IPReversePathFilter)")
	N("counters", "udp_rcvbuf_errors", "datagrams dropped at a full receive buffer, both families")
	N("counters", "udp_in_errors", "datagrams dropped for any reason, both families")
	N("counters", "udp_no_ports", "datagrams for no socket, both families")
	N("counters", "udp_csum_errors", "datagrams with a bad checksum, both families")
	N("counters", "udp_sndbuf_errors", "datagrams not sent for a full buffer, both families")
	N("counters", "tcp_csum_errors", "segments with a bad checksum")
	N("counters", "tcp_in_errors", "segments received with an error")
	N("counters", "tcp_out_rsts", "RSTs sent")
	N("counters", "tcp_retrans_segs", "segments sent again")
	N("counters", "tcp_attempt_fails", "connection attempts that failed")
	N("counters", "tcp_timeouts", "timer expiries (TcpExt TCPTimeouts)")
	N("counters", "tcp_abort_on_timeout", "connections ended by their timers")
	N("counters", "tcp_backlog_drop", "segments dropped at a full socket backlog")
	N("counters", "tcp_req_queue_full_drop", "SYNs dropped at a full queue of half-open connections")
	N("counters", "tcp_req_queue_full_cookies", "SYNs answered by a cookie in place of it")
	N("counters", "syncookies_sent", "SYN cookies sent")
	N("counters", "syncookies_failed", "ACKs whose cookie was none, or too old")
	N("counters", "out_no_routes", "packets without a route, both families")
	N("counters", "in_addr_errors", "packets for addresses that are not ours, both families")
	N("counters", "in_discards", "packets received and discarded, both families")
	N("counters", "out_discards", "packets discarded on their way out, both families")
	N("counters", "in_csum_errors", "IP packets with a bad checksum")
	N("counters", "reasm_fails", "reassemblies that failed, both families")
	N("counters", "frag_fails", "packets too big that could not be fragmented, both families")
	N("counters", "xfrm_out_pol_block", "blocked by an IPsec policy")
	N("counters", "xfrm_in_no_pols", "received against an IPsec policy")

	T("frame", "object", "the object of a frame of some stack, base name")
	N("frame", "offset", "where in its file, as the stacks have it")
	N("frame", "depth", "calls that were inlined there: 0 the innermost function, 1 who called it, ...")
	N("frame", "within", "how far into the function; into the object as its symbols count, where there is no function")
	T("frame", "function", "its name, without parameters")
	T("frame", "file", "base name of the source file")
	N("frame", "line", "its line")

	T("hosts", "address", "an address that the program uses")
	T("hosts", "names", "what /etc/hosts, as the process sees it, calls it")

	T("resolv-conf", "nameserver", "an address that the program uses at port 53, a name server of its /etc/resolv.conf")

	T("proxy", "variable", "a proxy variable in the environment that the program began with")
	T("proxy", "value", "its value, without user and password")

	T("sandbox", "by", "landlock: a log says that the process put itself, and what it starts, under rules of that kind")

	N("calls-end", "budget", "1: above the budget; 0: the session left")

	T("said", "text", "what a process wrote to standard error since it was last told, the last 1024 bytes at most")
	N("said", "cut", "1: there was more before that")
};
/* clang-format on */
const size_t sw_fact_row_count = sizeof sw_fact_rows / sizeof *sw_fact_rows;

/* The rows of a kind stand together. */
static bool listed(const struct sw_fact_draft *draft, const char *field, enum sw_fact_type type)
{
	for (size_t i = draft->first_row; i < sw_fact_row_count; i++) {
		const struct sw_fact_row *row = &sw_fact_rows[i];
		if (strcmp(row->kind, draft->fact.kind) != 0)
			return false;
		if (row->type == type && !strcmp(row->field, field))
			return true;
	}
	return false;
}

void sw_fact_begin(struct sw_fact_draft *draft, const char *kind)
{
	memset(&draft->fact, 0, sizeof draft->fact);
	draft->fact.kind = kind;
	draft->fact.time_ns = sw_clock_realtime();
	draft->text_length = 0;
	draft->refused = 0;
	draft->first_row = 0;
	while (draft->first_row < sw_fact_row_count && strcmp(sw_fact_rows[draft->first_row].kind, kind) != 0)
		draft->first_row++;
}

static struct sw_field *add(struct sw_fact_draft *draft, const char *name, enum sw_fact_type type)
{
	if (draft->fact.field_count == SW_FACT_FIELDS_MAX || !listed(draft, name, type)) {
		draft->refused++;
		return NULL;
	}
	struct sw_field *field = &draft->fields[draft->fact.field_count++];
	*field = (struct sw_field){.name = name};
	return field;
}

void sw_fact_add_number(struct sw_fact_draft *draft, const char *name, int64_t number)
{
	struct sw_field *field = add(draft, name, SW_FACT_NUMBER);
	if (field)
		field->number = number;
}

void sw_fact_add_text(struct sw_fact_draft *draft, const char *name, const char *text)
{
	size_t room = SW_FACT_TEXTS_MAX - draft->text_length;
	if (!text || room < 2)
		return;
	struct sw_field *field = add(draft, name, SW_FACT_STRING);
	if (!field)
		return;
	size_t length = strnlen(text, room - 1);
	char *copy = draft->texts + draft->text_length;
	memcpy(copy, text, length);
	copy[length] = '\0';
	draft->text_length += length + 1;
	field->text = copy;
}

void sw_fact_add_ip(struct sw_fact_draft *draft, const char *name, const struct sw_ip *ip)
{
	char text[SW_ADDR_TEXT];
	if (ip->family)
		sw_fact_add_text(draft, name, sw_ip_text(ip, text));
}

const struct sw_fact *sw_fact_of(struct sw_fact_draft *draft)
{
	draft->fact.fields = draft->fields;
	return &draft->fact;
}
