/* The report: findings and what surrounds them, as plain data. Made by the correlator, rendered by src/report/.
 *
 * Everything is owned by the report and lives until sw_report_free(). Text is as it came: renderers escape it. Times are
 * nanoseconds of the real-time clock, SW_TIME_NONE where unknown. Lists end by their count. */
#ifndef SW_CORRELATE_REPORT_H
#define SW_CORRELATE_REPORT_H

#include "capture/packet.h"
#include "tracer/call.h"

enum sw_severity { SW_SEVERITY_NOTE, SW_SEVERITY_SLOW, SW_SEVERITY_FAILURE };
enum sw_confidence { SW_CONFIDENCE_POSSIBLE, SW_CONFIDENCE_LIKELY, SW_CONFIDENCE_CERTAIN };
enum sw_locus {
	SW_LOCUS_UNKNOWN,
	SW_LOCUS_LOCAL_APP,
	SW_LOCUS_LOCAL_HOST,
	SW_LOCUS_PATH,
	SW_LOCUS_PEER_HOST,
	SW_LOCUS_PEER_APP,
	SW_LOCUS_RESOLVER,
};
/* what was owed (debt.h) */
enum sw_operation {
	SW_OPERATION_NONE,
	SW_OPERATION_CONNECT, /* until the connection stands or fails */
	SW_OPERATION_LOOKUP, /* a name as it was asked for, with all tries */
	SW_OPERATION_HANDSHAKE, /* TLS: from the ClientHello to the first application data */
	SW_OPERATION_DRAIN, /* bytes that a write accepted, until the peer's kernel has acknowledged them */
	SW_OPERATION_ANSWER, /* drained, until the next byte is read */
	SW_OPERATION_GREETING, /* connected, nothing moved yet, and somebody waits for this socket alone */
	SW_OPERATION_DATAGRAM, /* sent on a socket that is read or waited for afterwards */
	SW_OPERATION_SERVE, /* by us: a SYN for our listener, until accept; a request that was read, until our first byte */
	SW_OPERATION_CALL, /* a call that failed on its own: bind, socket, listen, a misuse */
};
enum sw_outcome {
	SW_OUTCOME_OPEN, /* not ended yet */
	SW_OUTCOME_DONE,
	SW_OUTCOME_FAILED, /* a call reported an error */
	SW_OUTCOME_EOF, /* the peer ended the connection first */
	SW_OUTCOME_ANSWERED_NO, /* an RCODE, an alert */
	SW_OUTCOME_GAVE_UP, /* the last wait for it timed out and then the socket went, or somebody was still waiting */
	SW_OUTCOME_HUNG, /* still open when the recording ended */
	SW_OUTCOME_LOST, /* the calls said success, the bytes never arrived */
	SW_OUTCOME_UNSERVED, /* a peer asked, and left with nothing */
	SW_OUTCOME_SLOW, /* done, after a gap without progress above --slow */
};
/* where the time of a debt went; at each instant the first of these that holds (account.h) */
enum sw_part {
	SW_PART_DATA_WAITING, /* bytes of the peer lie here unread */
	SW_PART_RECEIVER_WINDOW, /* bytes of ours unsent: the peer's window is full */
	SW_PART_NAGLE, /* fewer bytes than a segment unsent, behind unacknowledged ones */
	SW_PART_SEND_BUFFER, /* bytes of ours unsent otherwise */
	SW_PART_LOSS, /* sent and lost, on either way */
	SW_PART_ROUND_TRIP, /* sent, not acknowledged yet */
	SW_PART_PEER_APPLICATION, /* all is acknowledged: the peer's turn */
	SW_PART_APPLICATION, /* our turn, and nobody waits */
	SW_PART_COUNT,
};

const char *sw_severity_name(enum sw_severity severity); /* "failure" */
const char *sw_confidence_name(enum sw_confidence confidence); /* "certain" */
const char *sw_locus_name(enum sw_locus locus); /* "local-app" */
const char *sw_operation_name(enum sw_operation operation); /* "connect" */
const char *sw_outcome_name(enum sw_outcome outcome); /* "gave-up" */
const char *sw_part_name(enum sw_part part); /* "peer-application" */

struct sw_texts { /* a list of lines */
	size_t count;
	char **items;
};

enum sw_evidence_kind { SW_EVIDENCE_CALL, SW_EVIDENCE_PACKET, SW_EVIDENCE_FACT };
/* what became of a packet that our side sent, as far as this side can see */
enum sw_fate {
	SW_FATE_UNKNOWN, /* or it asks for no answer */
	SW_FATE_ANSWERED,
	SW_FATE_SENT_AGAIN, /* before anything acknowledged it: it, or its answer, was lost or late */
	SW_FATE_UNANSWERED, /* nothing that came answers it */
};
struct sw_evidence {
	enum sw_evidence_kind kind;
	uint16_t input;
	uint32_t number; /* id of the call, packet or fact */
	int64_t time_ns;
	enum sw_packet_way way; /* of a packet */
	char *text; /* as sw_call_text(), sw_packet_text(), sw_fact_line() have it */
	bool proof; /* cited by the rule itself; else it stands there for context */
	const char *place; /* of a packet: the further place of capture that saw it; NULL: at the process */
	/* for who draws it */
	int64_t exit_ns; /* of a call: when the kernel answered; SW_TIME_NONE: it never did; 0 no call */
	int32_t error; /* of a call: errno, 0 none */
	uint32_t tid; /* of a call */
	struct sw_endpoint from; /* of a packet: who sent it (ICMP: a router, perhaps); absent unknown */
	enum sw_fate fate; /* of a packet */
	bool again; /* of a packet: the same bytes were sent before */
};

struct sw_deadline {
	bool present;
	const char *whose; /* "application", "socket", "kernel" */
	const char *what; /* "poll", "SO_RCVTIMEO", "alarm", "close", "tcp_syn_retries", "not-visible" */
	int64_t value_ns, after_ns, kernel_would_ns; /* -1 unknown */
	int64_t count; /* of a timer that counts tries, how many it allows; -1 unknown, or it counts none */
};

struct sw_symptom {
	enum sw_operation operation;
	const char *call; /* the call that shows it: "connect" */
	const char *reported_by; /* the call that surfaced it: "getsockopt"; may be the same */
	int32_t error; /* errno, 0 none */
	enum sw_outcome outcome;
	struct sw_deadline deadline;
	uint32_t pid, tid;
	uint32_t pid_inside; /* in its own PID namespace; 0: the same */
	char *comm;
	int32_t fd; /* -1 none */
	int64_t enter_ns, exit_ns, duration_ns;
	int64_t time_ns[SW_PART_COUNT]; /* all 0: not computed */
	int64_t bytes_accepted, bytes_sent, bytes_acknowledged, bytes_read;
	uint32_t stack_count;
	struct sw_frame *stack;
};

enum sw_name_source {
	SW_NAME_UNKNOWN,
	SW_NAME_DNS,
	SW_NAME_HOSTS,
	SW_NAME_ARGUMENT,
	SW_NAME_SNI,
	SW_NAME_PROXY,
	SW_NAME_SERVICE
};

struct sw_name_origin { /* where the remote end's name or address came from, as far as it was seen */
	char *text; /* in words: "db.lab in /etc/hosts", "from the answer of 10.0.0.53:53 4 ms before, TTL 60 s"; NULL unknown */
	struct sw_endpoint server; /* that answered; absent: none */
	int64_t ttl_s, age_ns; /* of the answer, when it was used; -1 unknown */
	const char *variable; /* of the environment; NULL none */
	bool argument; /* the name or the address is an argument of the command */
};

struct sw_flow_summary {
	uint32_t id; /* 0: no flow */
	uint8_t protocol; /* IPPROTO_*; 0 unix */
	struct sw_addr local, remote, translated; /* translated.present: what the packets carry instead of remote */
	char *name; /* of the remote end; NULL unknown */
	enum sw_name_source name_source;
	struct sw_name_origin origin;
	bool initiator; /* we connected */
	int64_t packets_out, packets_in, bytes_out, bytes_in, retransmissions, rtt_ns; /* rtt: least, -1 unknown */
	const char *state; /* "established", "syn-sent", "closed", "reset", ... */
	char *history; /* as zeek's: ShADadFf */
};

struct sw_alternative {
	const char *verdict, *title; /* the title in a few words; NULL unknown */
	enum sw_confidence confidence;
	char *because; /* ruled out: why; alternative: NULL */
};

struct sw_next {
	const char *where; /* here | peer | path | resolver */
	char *command; /* NULL: none */
	char *text;
	char *expect; /* NULL: none */
};

struct sw_occurrence {
	int64_t began_ns, duration_ns;
	uint32_t flow;
	uint16_t input;
	uint32_t call; /* that surfaced it */
	enum sw_outcome outcome;
	int64_t time_ns[SW_PART_COUNT];
};

struct sw_finding {
	uint32_t id; /* 1-based, in the order of rank */
	char fingerprint[17]; /* hash of the group's key, hexadecimal */
	const char *verdict;
	const char *title; /* "a RST answered the SYN" */
	enum sw_severity severity;
	enum sw_confidence confidence;
	enum sw_locus locus;
	uint32_t count;
	char *summary; /* one sentence: what failed, where to, how often, the cause */
	char *cause; /* what was observed */
	struct sw_texts usually, meanwhile, not_observed;
	struct sw_texts tried; /* by the tool itself, after the failure (--probe) */
	int64_t began_ns, surfaced_ns, ended_ns;
	int64_t recovered_ns; /* SW_TIME_NONE: not */
	char *recovered_by; /* NULL */
	uint32_t caused_by; /* id of a finding, 0 none */
	int64_t lost_ns; /* time it cost, for the rank */
	uint32_t lost_calls; /* calls that said success whose bytes never arrived */
	int64_t lost_bytes;
	struct sw_symptom symptom;
	struct sw_flow_summary flow;
	size_t fact_count; /* exactly the values that the winning rule and its alternatives read */
	struct sw_field *facts;
	size_t evidence_count, ruled_out_count, alternative_count, next_count, occurrence_count;
	struct sw_evidence *evidence;
	struct sw_alternative *ruled_out, *alternatives;
	struct sw_next *next;
	struct sw_occurrence *occurrences; /* bounded; count is all */
	const char *said_verdict; /* while the session ran something else was said of it; NULL: not */
	enum sw_severity said_severity;
	int64_t said_ns;
	char *program; /* "exited 1, 16 ms after the last refusal"; NULL unknown */
	struct sw_texts said; /* lines that the program wrote to standard error about it, or last */
};

struct sw_report {
	size_t finding_count, flow_count, limit_count, status_count;
	struct sw_finding *findings; /* ranked: the first is the answer */
	struct sw_flow_summary *flows;
	struct sw_limit *limits;
	struct sw_capture_status *statuses; /* one for each input and namespace */
	bool seen_enough; /* false: blind, not enough was seen to say clean */
	bool complete; /* absence counts, in every flow of a finding */
	int64_t calls, failed_calls, packets, sockets; /* seen */
	int64_t began_ns, ended_ns;
	uint32_t pid_inside; /* of the command, in its own PID namespace; 0: the same */
	bool exit_known;
	int32_t exit_code, exit_signal; /* of the command; code -1 when killed by a signal */
	struct sw_texts said; /* the command's last line on standard error, where it ended badly */
	struct sw_arena *arena; /* what everything above lives in */
};

void sw_report_free(struct sw_report *report);

#endif
