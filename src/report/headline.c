/* Headlines. Enters: a finding. Leaves: one sentence for somebody who is in a hurry. */
#include "src/report/headline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/base/mem.h"
#include "src/base/names.h"

#define TIME_WORTH_SAYING (SW_NS_PER_S / 2) /* a failure that took less came "at once" */

char *sw_process_text(const struct sw_symptom *symptom)
{
	bool named = symptom->comm && symptom->comm[0];
	sw_auto_free char *inside = symptom->pid_inside ? sw_format(", %u in its container", symptom->pid_inside) :
							  sw_strdup("");

	if (named && symptom->pid)
		return sw_format("%s[%u%s]", symptom->comm, symptom->pid, inside);
	if (named)
		return sw_strdup(symptom->comm);
	return symptom->pid ? sw_format("pid %u%s", symptom->pid, inside) : NULL;
}

char *sw_count_text(int64_t count, const char *noun, char *buffer)
{
	snprintf(buffer, 64, "%" PRId64 " %s%s", count, noun, count == 1 ? "" : "s");
	return buffer;
}

char *sw_when_text(const struct sw_report_context *context, int64_t ns, char *buffer)
{
	const char *base = context->clock.base;
	int64_t began = context->report->began_ns;
	char duration[32];

	if (base && strcmp(base, "relative") == 0) {
		snprintf(buffer, 48, "%s after the start",
			 sw_duration_text(ns - (began == SW_TIME_NONE ? 0 : began), duration));
		return buffer;
	}
	sw_time_of_day_text(ns, buffer);
	/* A log with the time of day alone does not say of which zone. */
	if (base && strcmp(base, "time-of-day") == 0)
		buffer[strcspn(buffer, "Z")] = '\0';
	return buffer;
}

char *sw_date_text(const struct sw_report_context *context, int64_t ns, char *buffer)
{
	time_t seconds = (time_t)(ns / SW_NS_PER_S);
	struct tm date;
	size_t length = 0;

	buffer[0] = '\0';
	if ((!context->clock.base || strcmp(context->clock.base, "realtime") == 0) && gmtime_r(&seconds, &date))
		length = strftime(buffer, 16, "%Y-%m-%d ", &date);
	sw_when_text(context, ns, buffer + length);
	return buffer;
}

const char *sw_locus_text(enum sw_locus locus)
{
	static const char *const texts[] = {
		[SW_LOCUS_UNKNOWN] = "the path or the peer: which of them was not to be seen from here",
		[SW_LOCUS_LOCAL_APP] = "this program",
		[SW_LOCUS_LOCAL_HOST] = "this host (its kernel, routing, firewall)",
		[SW_LOCUS_PATH] = "the path (link, router, middlebox)",
		[SW_LOCUS_PEER_HOST] = "the peer host (its kernel, its firewall)",
		[SW_LOCUS_PEER_APP] = "the application on the peer",
		[SW_LOCUS_RESOLVER] = "the resolver",
	};

	return (size_t)locus < SW_COUNT(texts) ? texts[locus] : texts[SW_LOCUS_UNKNOWN];
}

/* What a look-up's flow is called is the question, not the server. */
const char *sw_peer_name(const struct sw_finding *finding)
{
	const char *name = finding->flow.name;

	return finding->symptom.operation != SW_OPERATION_LOOKUP && name && name[0] ? name : NULL;
}

/* "db.lab (10.77.2.2:5433)"; empty when there is nothing to name. */
static char *target_text(const struct sw_finding *finding, const struct sw_addr *addr)
{
	const struct sw_flow_summary *flow = &finding->flow;
	const char *name = addr == &flow->remote ? sw_peer_name(finding) : NULL;
	char end[SW_ADDR_TEXT], translated[SW_ADDR_TEXT];
	sw_auto_free char *via = NULL;

	if (!addr->present)
		return sw_strdup(name ? name : "");
	sw_addr_text(addr, end);
	if (addr == &flow->remote && flow->translated.present &&
	    (flow->translated.endpoint.port != addr->endpoint.port ||
	     !sw_ip_equal(&flow->translated.endpoint.ip, &addr->endpoint.ip)))
		via = sw_format(", translated to %s", sw_addr_text(&flow->translated, translated));
	if (name)
		return sw_format("%s (%s%s)", name, end, via ? via : "");
	return via ? sw_format("%s (%s)", end, via + 2) : sw_strdup(end);
}

static const char *fact_text(const struct sw_finding *finding, const char *name)
{
	for (size_t i = 0; i < finding->fact_count; i++)
		if (strcmp(finding->facts[i].name, name) == 0)
			return finding->facts[i].text;
	return NULL;
}

static char *call_phrase(const struct sw_finding *finding)
{
	const struct sw_flow_summary *flow = &finding->flow;
	const char *call = finding->symptom.call ? finding->symptom.call : "a socket call";
	const struct sw_addr *addr = flow->remote.present ? &flow->remote : &flow->local;
	sw_auto_free char *target = target_text(finding, addr);

	if (!target[0])
		return sw_strdup(call);
	if (strncmp(call, "accept", 6) == 0 && flow->remote.present)
		return sw_format("%s of a connection from %s", call, target);
	return sw_format("%s %s %s", call, flow->remote.present || strcmp(call, "bind") == 0 ? "to" : "on", target);
}

/* What was owed: "connect to db.lab (10.77.2.2:5433)". */
static char *operation_phrase(const struct sw_finding *finding)
{
	static const char *const phrases[] = {
		[SW_OPERATION_CONNECT] = "connect to",           [SW_OPERATION_LOOKUP] = "look-up at",
		[SW_OPERATION_HANDSHAKE] = "TLS handshake with", [SW_OPERATION_DRAIN] = "sending to",
		[SW_OPERATION_ANSWER] = "answer from",           [SW_OPERATION_GREETING] = "greeting from",
		[SW_OPERATION_DATAGRAM] = "datagram to",         [SW_OPERATION_SERVE] = "serving at",
	};
	enum sw_operation operation = finding->symptom.operation;
	const struct sw_flow_summary *flow = &finding->flow;
	const char *phrase = (size_t)operation < SW_COUNT(phrases) ? phrases[operation] : NULL;
	const char *question = operation == SW_OPERATION_LOOKUP ? fact_text(finding, "dns_name") ?: flow->name : NULL;

	if (!phrase)
		return call_phrase(finding);

	sw_auto_free char *target =
		target_text(finding, operation == SW_OPERATION_SERVE ? &flow->local : &flow->remote);

	if (question)
		return target[0] ? sw_format("look-up of %s at %s", question, target) :
				   sw_format("look-up of %s", question);
	if (!target[0])
		return sw_format("%.*s", (int)(strrchr(phrase, ' ') - phrase), phrase);
	return sw_format("%s %s", phrase, target);
}

char *sw_no_text(const struct sw_finding *finding)
{
	const char *code = fact_text(finding, "dns_rcode_name"), *type = fact_text(finding, "dns_type");
	const char *alert = fact_text(finding, "tls_alert_name");

	if (finding->symptom.operation != SW_OPERATION_LOOKUP)
		return alert                                                ? sw_format("alert %s", alert) :
		       finding->symptom.operation == SW_OPERATION_HANDSHAKE ? sw_strdup("broken off") :
									      sw_strdup("answered no");
	if (code && strcmp(code, "NOERROR") != 0)
		return sw_strdup(code);
	return type ? sw_format("no record of type %s", type) : sw_strdup("answered no");
}

/* How it ended: "ECONNREFUSED", "given up after 5.0 s". */
static char *outcome_phrase(const struct sw_finding *finding)
{
	const struct sw_symptom *symptom = &finding->symptom;
	sw_auto_free char *no = sw_no_text(finding);
	char duration[32];
	bool said = symptom->duration_ns >= TIME_WORTH_SAYING;
	const char *error = symptom->error ? sw_errno_name(symptom->error) : NULL;

	sw_duration_text(symptom->duration_ns, duration);
	switch (symptom->outcome) {
	case SW_OUTCOME_GAVE_UP:
		return sw_format("%s%sgiven up after %s", error ? error : "", error ? ", " : "", duration);
	case SW_OUTCOME_HUNG: return sw_format("still waiting after %s", duration);
	case SW_OUTCOME_OPEN: return sw_format("under way for %s", duration);
	case SW_OUTCOME_DONE:
	case SW_OUTCOME_SLOW: return sw_format("took %s", duration);
	case SW_OUTCOME_LOST: return sw_strdup("lost although the calls said success");
	case SW_OUTCOME_UNSERVED: return sw_strdup("not served");
	case SW_OUTCOME_EOF: error = error ? error : "end of file"; break;
	case SW_OUTCOME_ANSWERED_NO: error = error ? error : no; break;
	case SW_OUTCOME_FAILED: error = error ? error : "failed"; break;
	}
	return sw_format("%s%s%s", error ? error : "failed", said ? " after " : "", said ? duration : "");
}

static int64_t last_time(const struct sw_finding *finding)
{
	return finding->ended_ns != SW_TIME_NONE && finding->ended_ns > finding->surfaced_ns ? finding->ended_ns :
											       finding->surfaced_ns;
}

/* ", 5 times in 4.1 s" */
static char *count_phrase(const struct sw_finding *finding)
{
	int64_t last = last_time(finding);
	char duration[32];

	if (finding->count <= 1)
		return sw_strdup("");
	if (last == SW_TIME_NONE || finding->began_ns == SW_TIME_NONE || last < finding->began_ns)
		return sw_format(", %u times", finding->count);
	return sw_format(", %u times in %s", finding->count, sw_duration_text(last - finding->began_ns, duration));
}

char *sw_headline_short(const struct sw_finding *finding)
{
	sw_auto_free char *operation = operation_phrase(finding);
	sw_auto_free char *outcome = outcome_phrase(finding);
	sw_auto_free char *count = count_phrase(finding);

	return sw_format("%s: %s%s", operation, outcome, count);
}

char *sw_headline(const struct sw_report_context *context, const struct sw_finding *finding)
{
	char *headline = sw_headline_short(finding);
	int64_t last = last_time(finding);
	char when[48];

	if (last == SW_TIME_NONE)
		return headline;

	char *with_time =
		sw_format("%s, %s%s", headline, finding->count > 1 ? "last " : "", sw_when_text(context, last, when));

	free(headline);
	return with_time;
}
