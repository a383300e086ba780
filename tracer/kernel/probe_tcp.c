/* struct tcp_info as a fact: see probe_tcp.h. Source: <linux/tcp.h>. */
#include "tracer/kernel/probe_tcp.h"

#include <linux/tcp.h>
#include <string.h>

#include "src/base/mem.h"
#include "tracer/kernel/sockdiag.h"

#define TCP_SYN_SENT_STATE 2 /* TCP_SYN_SENT, TCP_CLOSE of <netinet/tcp.h>, which does not go with <linux/tcp.h> */
#define TCP_CLOSE_STATE 7

#define FIELD(member, name)                                                                                            \
	{                                                                                                              \
		offsetof(struct tcp_info, member), sizeof(((struct tcp_info *)0)->member), name                        \
	}

static const struct {
	size_t offset, size;
	const char *name;
} fields[] = {
	FIELD(tcpi_retransmits, "retransmits"),
	FIELD(tcpi_probes, "probes"),
	FIELD(tcpi_backoff, "backoff"),
	FIELD(tcpi_rto, "rto_us"),
	FIELD(tcpi_rtt, "rtt_us"),
	FIELD(tcpi_rttvar, "rttvar_us"),
	FIELD(tcpi_rcv_rtt, "rcv_rtt_us"),
	FIELD(tcpi_min_rtt, "min_rtt_us"),
	FIELD(tcpi_snd_mss, "snd_mss"),
	FIELD(tcpi_rcv_mss, "rcv_mss"),
	FIELD(tcpi_pmtu, "pmtu"),
	FIELD(tcpi_snd_cwnd, "snd_cwnd"),
	FIELD(tcpi_snd_wnd, "snd_wnd"),
	FIELD(tcpi_unacked, "unacked"),
	FIELD(tcpi_sacked, "sacked"),
	FIELD(tcpi_lost, "lost"),
	FIELD(tcpi_retrans, "retrans"),
	FIELD(tcpi_total_retrans, "total_retrans"),
	FIELD(tcpi_last_data_sent, "last_data_sent_ms"),
	FIELD(tcpi_last_data_recv, "last_data_recv_ms"),
	FIELD(tcpi_last_ack_recv, "last_ack_recv_ms"),
	FIELD(tcpi_bytes_sent, "bytes_sent"),
	FIELD(tcpi_bytes_acked, "bytes_acked"),
	FIELD(tcpi_bytes_received, "bytes_received"),
	FIELD(tcpi_bytes_retrans, "bytes_retrans"),
	FIELD(tcpi_notsent_bytes, "notsent_bytes"),
	FIELD(tcpi_busy_time, "busy_us"),
	FIELD(tcpi_rwnd_limited, "rwnd_limited_us"),
	FIELD(tcpi_sndbuf_limited, "sndbuf_limited_us"),
};

static bool value(const uint8_t *bytes, size_t length, size_t offset, size_t size, int64_t *number)
{
	uint64_t wide;
	uint32_t narrow;
	if (offset + size > length)
		return false;
	if (size == sizeof wide) {
		memcpy(&wide, bytes + offset, sizeof wide);
		*number = (int64_t)wide;
	} else if (size == sizeof narrow) {
		memcpy(&narrow, bytes + offset, sizeof narrow);
		*number = narrow;
	} else {
		*number = bytes[offset];
	}
	return true;
}

static int64_t number_at(const uint8_t *bytes, size_t length, size_t offset, size_t size)
{
	int64_t number;
	return value(bytes, length, offset, size, &number) ? number : 0;
}
#define NUMBER(member)                                                                                                 \
	number_at(bytes, length, offsetof(struct tcp_info, member), sizeof(((struct tcp_info *)0)->member))

/* A socket that never spoke has no "last" time: the kernel then counts from its own start. */
static bool never_spoke(const uint8_t *bytes, size_t length)
{
	return NUMBER(tcpi_state) == TCP_SYN_SENT_STATE ||
	       (NUMBER(tcpi_state) == TCP_CLOSE_STATE && !NUMBER(tcpi_bytes_acked) && !NUMBER(tcpi_bytes_received));
}

static bool meaningless(const char *name, int64_t number, bool silent)
{
	return (!strcmp(name, "min_rtt_us") && number == UINT32_MAX) || (silent && !strncmp(name, "last_", 5));
}

bool sw_tcp_info_connecting(const uint8_t *bytes, size_t length)
{
	return length > offsetof(struct tcp_info, tcpi_state) && NUMBER(tcpi_state) == TCP_SYN_SENT_STATE;
}

void sw_tcp_info_fact(struct sw_fact_draft *draft, const uint8_t *bytes, size_t length)
{
	static const char *const congestion[] = {"open", "disorder", "cwr", "recovery", "loss"};
	bool silent = never_spoke(bytes, length);
	int64_t number;
	sw_fact_begin(draft, "tcp-info");
	if (value(bytes, length, offsetof(struct tcp_info, tcpi_state), 1, &number))
		sw_fact_add_text(draft, "state", sw_diag_state_name((unsigned)number));
	if (value(bytes, length, offsetof(struct tcp_info, tcpi_ca_state), 1, &number) &&
	    number < (int64_t)SW_COUNT(congestion))
		sw_fact_add_text(draft, "congestion_state", congestion[number]);
	for (size_t i = 0; i < SW_COUNT(fields); i++)
		if (value(bytes, length, fields[i].offset, fields[i].size, &number) &&
		    !meaningless(fields[i].name, number, silent))
			sw_fact_add_number(draft, fields[i].name, number);
}

bool sw_tcp_info_queue(const uint8_t *bytes, size_t length, uint32_t *queue, uint32_t *backlog)
{
	int64_t waiting, most;
	if (!value(bytes, length, offsetof(struct tcp_info, tcpi_unacked), 4, &waiting) ||
	    !value(bytes, length, offsetof(struct tcp_info, tcpi_sacked), 4, &most))
		return false;
	*queue = (uint32_t)waiting;
	*backlog = (uint32_t)most;
	return true;
}
