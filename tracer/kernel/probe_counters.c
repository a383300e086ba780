/* The counters of a network namespace: fact "counters".
 *
 * Enters: /proc/PID/net/{snmp,netstat,snmp6,xfrm_stat}, readable without privilege. Leaves: those of them that turn
 * a guess into a proof, as they stand now; differences are the reader's work. Sources: <linux/snmp.h>,
 * networking/snmp_counter.rst. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "tracer/kernel/probe_ask.h"
#include "tracer/kernel/proc.h"

#define ROOM ((size_t)16 << 10)

/* To add one: a row here and one in probe_fact.c. `group` is the line's name in snmp or netstat; NULL: a line "name
 * value" of snmp6 or xfrm_stat. Rows of one field are summed. */
static const struct {
	const char *field, *group, *name;
} counters[] = {
	{"listen_overflows", "TcpExt", "ListenOverflows"},
	{"listen_drops", "TcpExt", "ListenDrops"},
	{"rp_filter", "TcpExt", "IPReversePathFilter"},
	{"udp_rcvbuf_errors", "Udp", "RcvbufErrors"},
	{"udp_rcvbuf_errors", NULL, "Udp6RcvbufErrors"},
	{"udp_in_errors", "Udp", "InErrors"},
	{"udp_in_errors", NULL, "Udp6InErrors"},
	{"udp_no_ports", "Udp", "NoPorts"},
	{"udp_no_ports", NULL, "Udp6NoPorts"},
	{"udp_csum_errors", "Udp", "InCsumErrors"},
	{"udp_csum_errors", NULL, "Udp6InCsumErrors"},
	{"udp_sndbuf_errors", "Udp", "SndbufErrors"},
	{"udp_sndbuf_errors", NULL, "Udp6SndbufErrors"},
	{"tcp_csum_errors", "Tcp", "InCsumErrors"},
	{"tcp_in_errors", "Tcp", "InErrs"},
	{"tcp_out_rsts", "Tcp", "OutRsts"},
	{"tcp_retrans_segs", "Tcp", "RetransSegs"},
	{"tcp_attempt_fails", "Tcp", "AttemptFails"},
	{"tcp_timeouts", "TcpExt", "TCPTimeouts"},
	{"tcp_abort_on_timeout", "TcpExt", "TCPAbortOnTimeout"},
	{"tcp_backlog_drop", "TcpExt", "TCPBacklogDrop"},
	{"tcp_req_queue_full_drop", "TcpExt", "TCPReqQFullDrop"},
	{"tcp_req_queue_full_cookies", "TcpExt", "TCPReqQFullDoCookies"},
	{"syncookies_sent", "TcpExt", "SyncookiesSent"},
	{"syncookies_failed", "TcpExt", "SyncookiesFailed"},
	{"out_no_routes", "Ip", "OutNoRoutes"},
	{"out_no_routes", NULL, "Ip6OutNoRoutes"},
	{"in_addr_errors", "Ip", "InAddrErrors"},
	{"in_addr_errors", NULL, "Ip6InAddrErrors"},
	{"in_discards", "Ip", "InDiscards"},
	{"in_discards", NULL, "Ip6InDiscards"},
	{"out_discards", "Ip", "OutDiscards"},
	{"out_discards", NULL, "Ip6OutDiscards"},
	{"in_csum_errors", "IpExt", "InCsumErrors"},
	{"reasm_fails", "Ip", "ReasmFails"},
	{"reasm_fails", NULL, "Ip6ReasmFails"},
	{"frag_fails", "Ip", "FragFails"},
	{"frag_fails", NULL, "Ip6FragFails"},
	{"xfrm_out_pol_block", NULL, "XfrmOutPolBlock"},
	{"xfrm_in_no_pols", NULL, "XfrmInNoPols"},
};

static const char *next_word(const char *at, size_t *length)
{
	at += strspn(at, " \t");
	*length = strcspn(at, " \t\n");
	return at;
}

/* "Udp: InDatagrams NoPorts ..." and below it "Udp: 12 0 ...": the number under the name. */
static bool under_name(const char *text, const char *group, const char *name, int64_t *value)
{
	size_t group_length = strlen(group), name_length = strlen(name), a, b;
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		const char *below = strchr(line, '\n');
		if (!below || strncmp(line, group, group_length) || line[group_length] != ':' ||
		    strncmp(below + 1, group, group_length) || below[1 + group_length] != ':')
			continue;
		const char *title = line + group_length + 1, *number = below + 2 + group_length;
		for (title = next_word(title, &a), number = next_word(number, &b); a && b;
		     title = next_word(title + a, &a), number = next_word(number + b, &b)) {
			if (a != name_length || strncmp(title, name, a))
				continue;
			*value = strtoll(number, NULL, 10);
			return true;
		}
		return false;
	}
	return false;
}

static bool beside_name(const char *text, const char *name, int64_t *value)
{
	size_t length = strlen(name);
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		if (strncmp(line, name, length) || (line[length] != ' ' && line[length] != '\t'))
			continue;
		*value = strtoll(line + length, NULL, 10);
		return true;
	}
	return false;
}

static void add_all(struct sw_fact_draft *draft, const char *paired, const char *listed)
{
	for (size_t i = 0; i < SW_COUNT(counters);) {
		const char *field = counters[i].field;
		int64_t sum = 0, value;
		bool any = false;
		for (; i < SW_COUNT(counters) && !strcmp(counters[i].field, field); i++) {
			bool found = counters[i].group ?
					     under_name(paired, counters[i].group, counters[i].name, &value) :
					     beside_name(listed, counters[i].name, &value);
			sum += found ? value : 0;
			any = any || found;
		}
		if (any)
			sw_fact_add_number(draft, field, sum);
	}
}

/* The files behind each other; a missing one (no IPv6, no IPsec) leaves its fields out. */
static void read_all(pid_t pid, const char *const *names, size_t count, char *text)
{
	size_t have = 0;
	text[0] = '\0';
	for (size_t i = 0; i < count && have < ROOM - 1; i++) {
		ssize_t got = sw_proc_read_task(pid, pid, names[i], text + have, ROOM - have);
		have += got > 0 ? (size_t)got : 0;
	}
	text[have] = '\0';
}

void sw_probe_counters_of(struct sw_question *question, const char *when)
{
	static const char *const paired[] = {"net/snmp", "net/netstat"}, *const listed[] = {"net/snmp6",
											    "net/xfrm_stat"};
	char pairs[ROOM], list[ROOM];
	struct sw_fact_draft draft;
	read_all(question->pid, paired, SW_COUNT(paired), pairs);
	read_all(question->pid, listed, SW_COUNT(listed), list);
	sw_fact_begin(&draft, "counters");
	sw_fact_add_text(&draft, "when", when);
	sw_fact_add_number(&draft, "netns", question->netns);
	add_all(&draft, pairs, list);
	if (pairs[0])
		sw_probe_say(question, &draft);
}
