/* Symptoms: which debts deserve an explanation, and everything that a rule may look at to find it.
 *
 * Enters: debts, their sockets, flows, calls and facts as the correlator holds them at the end. Leaves: struct
 * sw_symptom_context, plain and const. The context judges nothing: no verdict, no severity. Every pointer may be NULL unless said
 * otherwise; all live until the report is made. Where both ends of a loopback flow are the target's, `flow_is_peers` says that the
 * flow's "ours" is this socket's peer. */
#ifndef SW_CORRELATE_SYMPTOMS_H
#define SW_CORRELATE_SYMPTOMS_H

#include "correlate/account/account.h"
#include "correlate/debts/debt.h"
#include "correlate/flows/flows.h"
#include "correlate/flows/handshakes.h"
#include "correlate/flows/lookups.h"
#include "correlate/flows/places.h"

/* what it means that a packet is not in the capture, for this symptom */
enum sw_absence {
	SW_ABSENCE_NOTHING, /* it may well have been there */
	SW_ABSENCE_LIKELY, /* a file without drop counters in which other traffic was seen: supports at most `likely` */
	SW_ABSENCE_COUNTS, /* the capture is complete for this flow */
};

/* how the flow was found */
enum sw_link {
	SW_LINK_NONE,
	SW_LINK_PORTS, /* both endpoints agree */
	SW_LINK_TRANSLATED, /* local port and time agree, the remote end is another: translated on this host */
	SW_LINK_TIME, /* no local port known: remote end and time agree */
};

struct sw_socket_options { /* what the calls asked for on this socket */
	int64_t rcvtimeo_ns, sndtimeo_ns, user_timeout_ns; /* 0 none */
	int64_t linger_s; /* -1 not asked for */
	int32_t keepidle_s, keepintvl_s, keepcnt; /* 0: those of the host */
	int32_t backlog; /* of listen, -1 none */
	int32_t hops; /* IP_TTL, IPV6_UNICAST_HOPS; 0 not set */
	bool keepalive, broadcast, recverr, fastopen, v6only;
};

struct sw_socket_seen { /* a socket's life as the calls tell it */
	struct sw_socket socket; /* the last that was said of it */
	struct sw_socket_options options;
	int64_t made_ns, connected_ns, shut_write_ns, shut_read_ns, closed_ns; /* SW_TIME_NONE: not */
	uint32_t connect_call, bind_call; /* ids, 0 none */
	int64_t last_write_ns, last_wait_ns; /* ends of the last successful write, and of the last wait for it */
	int64_t bytes_written, bytes_read; /* accepted by successful calls; handed to the program */
	uint32_t writes, reads, eofs; /* calls that succeeded; reads that returned 0 */
	int64_t datagrams_read;
	uint32_t accepts; /* connections accepted from a listener */
	int64_t first_asked; /* bytes that the first successful read asked for */
	int64_t listened_ns; /* listen succeeded; SW_TIME_NONE: not seen */
	int64_t waits_from_ns; /* begin of the last stretch in which somebody waited for it all but without a pause; SW_TIME_NONE */
	bool waiting; /* that stretch is not over */
	/* in which accept failed for want of a descriptor, last; SW_TIME_NONE: never */
	int64_t without_fd_ns, without_fd_until_ns;
	int64_t answer_took_ns; /* accepted connections: the longest that a request waited for our first byte; 0 none */
	bool foreign; /* io_uring or a process outside the trace has used it: its calls are not all seen */
};

struct sw_process_seen {
	uint32_t pid, parent;
	uint32_t inside; /* its number in its own PID namespace; 0: the same */
	char comm[16];
	const char *command_line;
	bool is_command, exited;
	int64_t began_ns, exit_ns; /* SW_TIME_NONE: not seen */
	int64_t reached_ns; /* when it last went for another end than a name server; SW_TIME_NONE: never */
	int32_t code, signal; /* code -1 when a signal killed it */
	int32_t stop_signal; /* the last that stopped it (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU), 0 none */
	int64_t stopped_ns; /* when */
};

struct sw_attempt_seen { /* the tries that were one attempt to reach a name or port */
	uint32_t id;
	uint32_t tries, failed;
	int64_t began_ns, ended_ns;
	int64_t recovered_ns; /* a try of it, or what it fell back to, succeeded; SW_TIME_NONE: none */
	struct sw_addr recovered_to;
	bool recovered_in_time; /* within the settling time and before the exit of the process */
};

struct sw_contrast { /* what worked, or did not, in the same recording: never counting this symptom's own group */
	uint32_t same_end_ok; /* connections to the same address and port that were made */
	int64_t same_end_before_ns, same_end_after_ns; /* the nearest of them; SW_TIME_NONE */
	uint32_t same_host_ok; /* same address, another port */
	struct sw_endpoint same_host_end; /* one of them */
	bool same_host_heard; /* any packet from that address, a RST or an ICMP of its own included */
	uint32_t same_prefix_ok, same_prefix_failed; /* hosts of the same /24 or /64 */
	uint32_t other_hosts_ok, other_hosts_failed; /* all others but this host */
	uint32_t other_family_ok; /* the other IP family, any host */
};

/* whether this symptom's packets pass there, unless they are lost before */
enum sw_place_way {
	SW_PLACE_WAY_UNKNOWN,
	SW_PLACE_WAY_POSSIBLE, /* other connections of the program do */
	SW_PLACE_WAY_LIKELY, /* the kernel would forward them so; others to the same host do */
	SW_PLACE_WAY_SURE, /* packets of this connection were seen there, or of others to the same end */
};

struct sw_place_seen { /* a further place of capture, for one symptom; nearest first */
	uint16_t place;
	const char *name;
	struct sw_place_flow there;
	enum sw_place_way way;
	enum sw_absence absence; /* what it means that a packet is not there */
	bool on_host; /* recorded live: on this host */
};
#define SW_SYMPTOM_PLACES 8

struct sw_service_question;

struct sw_symptom_context {
	const struct sw_debt *debt; /* never NULL */
	const struct sw_flow *flow; /* no packets fit */
	enum sw_link link;
	/* datagrams: another end that sent to our port during the operation and was not asked */
	const struct sw_flow *elsewhere;
	bool we_speak_first; /* on another connection to the same end our bytes were the first */
	int64_t answers_after_ns; /* datagrams: how long the same end took to answer another one; -1 it answered none */
	bool flow_is_peers;
	bool waited_alone; /* a wait for this socket and no other */
	const struct sw_socket_seen *socket; /* NULL where the call had none (EBADF, socket(2) itself) */
	const struct sw_call *opening, *surfaced; /* copies; they may be the same call */
	/* a call that made this one wrong (a close of the descriptor, a shutdown), where one is known */
	const struct sw_call *culprit;
	/* what the operation was for: connect's or sendto's argument, else the remote end; may be absent */
	const struct sw_addr *target;
	const char *name; /* of the target, NULL unknown */
	enum sw_name_source name_source;
	struct sw_deadline deadline; /* whose timer ended it (outcome gave-up) */
	size_t fact_count;
	/* taken for these calls or this socket; then those of the session (sysctls, counters) */
	const struct sw_fact *const *facts;
	size_t call_count;
	/* every call kept for this debt, in order of time: opening, last timed-out wait, surfaced, close */
	const struct sw_call *const *calls;
	size_t packet_count;
	/* of the flow, as sw_flows_kept() has them, oldest first: evidence is quoted from these */
	const struct sw_packet *const *packets;
	size_t place_count;
	const struct sw_place_seen *places;
	int forwarding_error; /* errno with which this host would refuse to forward these packets; 0 none, or not asked */
	size_t place_packet_count;
	const struct sw_packet *const *place_packets; /* of the flow at those places, as sw_places_kept() has them */
	const struct sw_account_summary *account; /* of the socket's bytes and patterns so far */
	const struct sw_handshake *handshake; /* TLS on the flow, or on what it mirrors; NULL none */
	uint32_t handshakes_used; /* on other connections between the same ends, with data behind them */
	uint32_t tls_served; /* serving: other connections to the same port whose ClientHello was answered */
	bool said_tls; /* the process wrote of certificates, TLS or SSL to standard error after it */
	const struct sw_service_question *service; /* what a name service of this host was asked; NULL: none was */
	const struct sw_lookup *lookup; /* the whole look-up that the operation was, or a part of; NULL not seen */
	const struct sw_addr *own_listener; /* bind: another socket of the same process listens at that port; NULL */
	uint32_t
		others_half_open, /* serving: connections to the same local end, meanwhile, that got a SYN-ACK and never acknowledged it */
		others_unanswered; /* serving: connections to the same local end, meanwhile, whose SYNs were never answered */
	/* serving: connections to the same port that came within the settling time after it and got a SYN-ACK */
	uint32_t others_served;
	uint8_t host_ttl; /* hop count of the remote host's packets, over all flows (sw_flows_host_ttl); 0 unknown */
	/* resolution of the target or of its next hop, as the packets show it */
	const struct sw_neighbor_seen *neighbor;
	enum sw_absence absence;
	int64_t capture_from_ns; /* when the capture was opened, of a file its first packet; SW_TIME_NONE: not known */
	const char *absence_why; /* one line where it is not SW_ABSENCE_COUNTS */
	bool packets_available; /* there is a capture that covers this socket's namespace at all */
	int64_t clock_error_ns; /* between calls and packets; 0: one clock */
	int64_t stamp_error_ns; /* of an imported call's own stamps, which may be cut off at whole seconds */
	const struct sw_process_seen *process;
	const struct sw_attempt_seen *attempt;
	struct sw_contrast contrast;
	int64_t slow_ns, settle_ns; /* the options in force */
	int64_t end_ns; /* of the recording */
	bool imported, attached;
	bool successes_lacking; /* the log has only calls that failed */
	bool calls_shown; /* nobody recorded the calls: they were read from packets */
	bool small_writes_sure; /* calls' times tell which writes were held back for tens of milliseconds */
	bool exits_unknown; /* imported: when calls returned is known only from above */
	uint32_t same_before; /* symptoms like this one (same call, errno and remote end) before it */
};

/* The newest fact of that kind in the context, NULL when there is none. */
const struct sw_fact *sw_symptom_fact(const struct sw_symptom_context *context, const char *kind);

#endif
