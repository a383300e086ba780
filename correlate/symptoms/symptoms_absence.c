/* What a missing packet means: DESIGN.md, "Complete is a capture, for a flow, when".
 *
 * Enters: what is known of the captures, and the symptom's time and socket. Leaves: absence, with the reason in one line where it
 * does not count. */
#include "correlate/symptoms/symptoms_absence.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* A capture file whose packets lie this near to the symptom was surely running then, though nothing says so. */
#define FILE_NEAR_NS (30 * SW_NS_PER_S)
#define FILE_LATE_NS (100 * SW_NS_PER_MS) /* a call's first packet may be the capture's; what came later is another's */

static void set(struct sw_symptom_context *context, enum sw_absence absence, const char *why)
{
	context->absence = absence;
	context->absence_why = why;
}

static int64_t end_of(const struct sw_symptom_context *context)
{
	return context->debt->ended_ns == SW_TIME_NONE ? context->end_ns : context->debt->ended_ns;
}

/* What goes to an address of this host goes by the loopback interface. */
static bool by_loopback(const struct sw_symptom_context *context)
{
	const struct sw_addr *target = context->target;
	const struct sw_addr *local = context->socket ? &context->socket->socket.local : NULL;

	if (!target || !target->present)
		return false;
	return sw_ip_is_loopback(&target->endpoint.ip) || (local && local->present && local->endpoint.port &&
							   sw_ip_equal(&local->endpoint.ip, &target->endpoint.ip));
}

/* No SYN, nor one of those that follow after 1, 3, 7 s, to an end that nothing else goes to: the host was quiet, not the capture late. */
static bool no_syn_at_all(const struct sw_symptom_context *context, int64_t opened_ns)
{
	return context->debt->operation == SW_OPERATION_CONNECT && !context->flow && opened_ns < end_of(context) &&
	       end_of(context) - context->debt->began_ns >= SW_NS_PER_S;
}

static void of_file(struct sw_symptom_context *context, const struct sw_capture_status *status)
{
	int64_t error_ns = context->clock_error_ns + context->stamp_error_ns;

	if (!status->seen) {
		set(context, SW_ABSENCE_NOTHING, "the capture file has no packet at all");
	} else if (by_loopback(context) ? status->no_loopback : status->only_loopback) {
		set(context, SW_ABSENCE_NOTHING, "the capture has no packet of the interface that these take");
	} else if (status->opened_ns == SW_TIME_NONE || status->opened_ns > end_of(context) + FILE_NEAR_NS + error_ns ||
		   status->closed_ns < context->debt->began_ns - FILE_NEAR_NS - error_ns) {
		set(context, SW_ABSENCE_NOTHING, "the capture file is of another time");
	} else if (status->opened_ns > context->debt->began_ns + FILE_LATE_NS + error_ns &&
		   !no_syn_at_all(context, status->opened_ns)) {
		set(context, SW_ABSENCE_NOTHING, "the capture's first packet came after the operation had begun");
	} else if (status->dropped > 0) {
		set(context, SW_ABSENCE_NOTHING, "the capture dropped packets");
	} else if (status->dropped < 0 || status->opened_ns > context->debt->began_ns ||
		   status->closed_ns < end_of(context)) {
		set(context, SW_ABSENCE_LIKELY,
		    "the capture file does not say what it dropped, nor when it was opened");
	} else {
		set(context, SW_ABSENCE_COUNTS, NULL);
	}
}

/* Whether an interface is in the comma-separated list. */
static bool names(const char *list, const char *interface)
{
	size_t length = strlen(interface);

	for (const char *at = list; at; at = strchr(at, ','), at += at != NULL)
		if (!strncmp(at, interface, length) && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

/* Where not every interface is watched, packets may have passed by another; an answer may come by another still. */
static void of_interfaces(struct sw_symptom_context *context, const struct sw_capture_status *status)
{
	const struct sw_fact *route = sw_symptom_fact(context, "route");
	const char *device = route ? sw_fact_text(route, "device") : NULL;
	bool loopback = context->target && context->target->present && sw_ip_is_loopback(&context->target->endpoint.ip);

	if (status->interfaces && strstr(status->interfaces, "--filter")) {
		set(context, SW_ABSENCE_NOTHING, "--filter kept packets away from the capture");
		return;
	}
	if (!status->interfaces || names(status->interfaces, "any"))
		return;
	if (!device && loopback)
		device = "lo";
	if (device && names(status->interfaces, device))
		set(context, SW_ABSENCE_LIKELY, "not every interface was watched: an answer may have come by another");
	else
		set(context, SW_ABSENCE_NOTHING, "the interface that these packets take was not watched");
}

/* Packets are kept by the port of a socket. Where the kernel could not be asked for it (no pidfd_getfd, and the socket gone from
 * sock_diag), they were let go as somebody else's. */
static bool port_unknown(const struct sw_symptom_context *context)
{
	const struct sw_addr *target = context->target;
	bool ip = target && target->present && (target->family == AF_INET || target->family == AF_INET6);

	if (!ip || !context->socket || (context->flow && !context->flow->no_packets))
		return false;
	return !context->socket->socket.local.present;
}

static void of_time(struct sw_symptom_context *context, const struct sw_capture_status *status)
{
	int64_t began_ns = context->debt->began_ns;

	if (status->opened_ns == SW_TIME_NONE || status->opened_ns > began_ns)
		set(context, SW_ABSENCE_NOTHING, "the capture was opened after the operation began");
	else if (status->last_drop_ns != SW_TIME_NONE && status->last_drop_ns >= began_ns)
		set(context, SW_ABSENCE_NOTHING, "the capture dropped packets meanwhile");
	else if ((status->dropped > 0 || status->overruns > 0) && status->last_drop_ns == SW_TIME_NONE)
		set(context, SW_ABSENCE_NOTHING, "the capture dropped packets");
	else if (status->closed_ns != SW_TIME_NONE && status->closed_ns < end_of(context))
		set(context, SW_ABSENCE_NOTHING, "the capture was closed before the operation ended");
	else
		set(context, SW_ABSENCE_COUNTS, NULL);
}

static void of_live(struct sw_symptom_context *context, const struct sw_capture_status *status)
{
	of_time(context, status);
	if (context->absence == SW_ABSENCE_COUNTS)
		of_interfaces(context, status);
	if (context->absence != SW_ABSENCE_NOTHING && port_unknown(context))
		set(context, SW_ABSENCE_NOTHING,
		    "the socket's port was not to be learnt, so its packets could not be told");
}

/* Several files (tcpdump -C or -G, or one an interface) are one capture. */
static void join_file(struct sw_capture_status *whole, const struct sw_capture_status *more)
{
	bool drops = whole->dropped > 0 || more->dropped > 0, unknown = whole->dropped < 0 || more->dropped < 0;

	if (!more->seen)
		return;
	if (whole->opened_ns == SW_TIME_NONE || more->opened_ns < whole->opened_ns)
		whole->opened_ns = more->opened_ns;
	if (whole->closed_ns == SW_TIME_NONE || more->closed_ns > whole->closed_ns)
		whole->closed_ns = more->closed_ns;
	whole->seen += more->seen;
	whole->dropped = drops ? 1 : unknown ? -1 : 0;
	whole->only_loopback &= more->only_loopback;
	whole->no_loopback &= more->no_loopback;
}

static bool status_of(const struct sw_symptom_context *context, const struct sw_sources *sources,
		      struct sw_capture_status *found)
{
	uint32_t netns = context->socket ? context->socket->socket.netns : 0;
	bool any = false;

	*found = (struct sw_capture_status){.available = false};

	for (size_t i = 0; i < sources->status_count; i++) {
		const struct sw_capture_status *status = &sources->statuses[i];

		if (status->place || (status->live && status->netns != netns))
			continue;
		any = true;
		if (!found->available)
			*found = *status;
		else if (status->available && !status->live && !found->live)
			join_file(found, status);
	}
	return any;
}

void sw_symptom_absence(struct sw_symptom_context *context, const struct sw_sources *sources)
{
	struct sw_capture_status status;
	bool any = status_of(context, sources, &status);

	context->packets_available = status.available && !sources->options->packets_missing;
	context->capture_from_ns = any ? status.opened_ns : SW_TIME_NONE;
	if (sources->options->packets_missing || !any) {
		set(context, SW_ABSENCE_NOTHING, "there is no capture");
		return;
	}
	if (!status.available) {
		set(context, SW_ABSENCE_NOTHING,
		    status.why_not ? status.why_not : "there is no capture of this network namespace");
		return;
	}
	if (status.live)
		of_live(context, &status);
	else
		of_file(context, &status);
	if (sources->options->successes_lacking && !context->flow && context->target &&
	    sw_links_reaches(sources->links, IPPROTO_TCP, context->target))
		set(context, SW_ABSENCE_NOTHING,
		    "the log has only calls that failed: which packets are theirs is not sure");
	if (context->absence != SW_ABSENCE_NOTHING && context->socket && context->socket->foreign)
		set(context, SW_ABSENCE_NOTHING, "io_uring or a process outside the trace used this socket");
}

enum sw_absence sw_symptom_absence_at(const struct sw_symptom_context *context, const struct sw_capture_status *status)
{
	struct sw_symptom_context asked = *context;

	if (!status->available)
		return SW_ABSENCE_NOTHING;
	if (status->live)
		of_time(&asked, status);
	else
		of_file(&asked, status);
	return asked.absence;
}
