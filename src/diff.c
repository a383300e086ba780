/* See diff.h. Enters: two recordings. Leaves: pairs of steps, and what differs in them. Reads nothing, prints nothing. */
#include "src/diff.h"

#include <string.h>
#include <sys/socket.h>

#include "src/base/clock.h"
#include "src/base/names.h"
#include "src/report/headline.h"

/* Below this, and below this factor, a longer time is chance. */
#define SLOWER_NS (200 * SW_NS_PER_MS)
#define SLOWER_FACTOR 3

bool sw_step_went_well(const struct sw_step *step)
{
	if (step->finding)
		return step->finding->severity == SW_SEVERITY_NOTE;
	return true;
}

static const char *phrase_of(const struct sw_step *step)
{
	static const char *const phrases[] = {
		[SW_OPERATION_CONNECT] = "connect to",           [SW_OPERATION_LOOKUP] = "look-up at",
		[SW_OPERATION_HANDSHAKE] = "TLS handshake with", [SW_OPERATION_DRAIN] = "sending to",
		[SW_OPERATION_ANSWER] = "answer from",           [SW_OPERATION_GREETING] = "greeting from",
		[SW_OPERATION_DATAGRAM] = "datagram to",         [SW_OPERATION_SERVE] = "serving at",
	};

	return (size_t)step->operation < SW_COUNT(phrases) ? phrases[step->operation] : NULL;
}

char *sw_step_text(const struct sw_step *step)
{
	char address[SW_ADDR_TEXT];
	const char *at = step->target.present ? sw_addr_text(&step->target, address) : NULL;
	const char *call = step->finding && step->finding->symptom.call ? step->finding->symptom.call : "a call";
	sw_auto_free char *phrase = phrase_of(step) ? sw_strdup(phrase_of(step)) : sw_format("%s to", call);

	if (step->operation == SW_OPERATION_LOOKUP && step->name)
		return at ? sw_format("look-up of %s at %s", step->name, at) : sw_format("look-up of %s", step->name);
	if (step->name)
		return at ? sw_format("%s %s (%s)", phrase, step->name, at) : sw_format("%s %s", phrase, step->name);
	if (at)
		return sw_format("%s %s", phrase, at);
	*strrchr(phrase, ' ') = '\0'; /* to nobody who is known */
	return sw_strdup(phrase);
}

/* "failed with ECONNREFUSED", "done", "NXDOMAIN". The caller frees. */
static char *outcome_of(const struct sw_step *step)
{
	static const char *const words[] = {
		[SW_OUTCOME_OPEN] = "under way",       [SW_OUTCOME_DONE] = "done",
		[SW_OUTCOME_FAILED] = "failed",        [SW_OUTCOME_EOF] = "end of file",
		[SW_OUTCOME_ANSWERED_NO] = "was a no", [SW_OUTCOME_GAVE_UP] = "given up",
		[SW_OUTCOME_HUNG] = "still waiting",   [SW_OUTCOME_LOST] = "lost",
		[SW_OUTCOME_UNSERVED] = "not served",  [SW_OUTCOME_SLOW] = "slow",
	};
	const struct sw_finding *finding = sw_step_went_well(step) ? NULL : step->finding;

	if (step->error)
		return sw_format("%s with %s", words[step->outcome], sw_errno_name(step->error));
	if (finding && finding->symptom.outcome == SW_OUTCOME_ANSWERED_NO)
		return sw_no_text(finding);
	if (finding && step->outcome == SW_OUTCOME_DONE) /* all in all it was, and something else was wrong with it */
		return sw_strdup(finding->severity == SW_SEVERITY_SLOW ? words[SW_OUTCOME_SLOW] : finding->verdict);
	return sw_strdup(words[step->outcome]);
}

char *sw_step_outcome_text(const struct sw_step *step)
{
	sw_auto_free char *outcome = outcome_of(step);
	char duration[48];

	if (step->duration_ns < 0)
		return sw_strdup(outcome);
	sw_duration_text(step->duration_ns, duration);
	return sw_format(strcmp(outcome, "slow") == 0 ? "%s, %s" : "%s after %s", outcome, duration);
}

/* ---- pairs ---------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool is_ip(const struct sw_addr *addr)
{
	return addr->present && addr->endpoint.ip.family != 0;
}

static bool same_target(const struct sw_step *a, const struct sw_step *b)
{
	char left[SW_ADDR_TEXT], right[SW_ADDR_TEXT];
	if (!a->target.present || !b->target.present)
		return a->target.present == b->target.present;
	sw_addr_text(&a->target, left);
	sw_addr_text(&b->target, right);
	return strcmp(left, right) == 0;
}

static bool is_unix(const struct sw_addr *addr)
{
	return addr->present && addr->family == AF_UNIX;
}

/* The folder of a socket often has a number in it that is another one each time. */
static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* How sure it is that the two are the same step: 3 by name or address, 2 by port and family or a path's last part, 0 not at all. */
static int likeness(const struct sw_step *a, const struct sw_step *b)
{
	if (a->operation != b->operation)
		return 0;
	if (a->operation == SW_OPERATION_LOOKUP && a->name && b->name)
		return same_text(a->name, b->name) ? 3 : 0;
	if (same_target(a, b))
		return 3;
	if (is_unix(&a->target) && is_unix(&b->target))
		return same_text(last_part(a->target.path), last_part(b->target.path)) ? 2 : 0;
	bool ports = is_ip(&a->target) && is_ip(&b->target) && a->target.endpoint.port == b->target.endpoint.port;
	if ((ports && same_text(a->name, b->name) && a->target.endpoint.ip.family == b->target.endpoint.ip.family))
		return 3;
	return ports && a->target.endpoint.ip.family == b->target.endpoint.ip.family ? 2 : 0;
}

/* Each step takes the first that is left and alike; the surer ones choose first. */
static void pair(struct sw_recording *good, struct sw_recording *bad, int at_least)
{
	size_t from = 0;
	for (size_t i = 0; i < good->steps.count; i++) {
		struct sw_step *step = &good->steps.items[i];
		while (from < bad->steps.count && bad->steps.items[from].partner)
			from++;
		for (size_t j = from; j < bad->steps.count && !step->partner; j++) {
			struct sw_step *other = &bad->steps.items[j];
			if (other->partner || likeness(step, other) < at_least)
				continue;
			step->partner = j + 1;
			other->partner = i + 1;
		}
	}
}

/* ---- differences ---------------------------------------------------------------------------------------------- */

static bool slower(const struct sw_step *good, const struct sw_step *bad)
{
	return good->duration_ns >= 0 && bad->duration_ns - good->duration_ns >= SLOWER_NS &&
	       bad->duration_ns / SLOWER_FACTOR >= good->duration_ns;
}

static enum sw_difference compare(const struct sw_step *good, const struct sw_step *bad)
{
	bool was_well = sw_step_went_well(good), is_well = sw_step_went_well(bad);
	if (was_well != is_well || (!is_well && !same_text(good->finding->verdict, bad->finding->verdict)))
		return SW_DIFFERENCE_OUTCOME;
	if (good->outcome != bad->outcome || good->error != bad->error)
		return SW_DIFFERENCE_OUTCOME;
	if (slower(good, bad))
		return SW_DIFFERENCE_SLOWER;
	return same_target(good, bad) ? SW_DIFFERENCE_NONE : SW_DIFFERENCE_ADDRESS;
}

static void add(struct sw_diff *diff, enum sw_difference kind, const struct sw_step *good, const struct sw_step *bad)
{
	if (kind != SW_DIFFERENCE_NONE)
		*SW_ARRAY_ADD(&diff->divergences) = (struct sw_divergence){kind, good, bad};
	else if (diff->divergences.count == 0)
		diff->same++;
}

/* In the order of the second, each step of the first that has no partner before the next that has one. */
static void list(struct sw_diff *diff, const struct sw_recording *good, const struct sw_recording *bad)
{
	size_t missing = 0;
	for (size_t j = 0; j < bad->steps.count; j++) {
		const struct sw_step *step = &bad->steps.items[j];
		const struct sw_step *other = step->partner ? &good->steps.items[step->partner - 1] : NULL;
		for (; other && missing + 1 < step->partner; missing++)
			if (!good->steps.items[missing].partner)
				add(diff, SW_DIFFERENCE_MISSING, &good->steps.items[missing], NULL);
		if (other)
			add(diff, compare(other, step), other, step);
		else if (!sw_step_went_well(step))
			add(diff, SW_DIFFERENCE_EXTRA, NULL, step);
	}
	for (; missing < good->steps.count; missing++)
		if (!good->steps.items[missing].partner)
			add(diff, SW_DIFFERENCE_MISSING, &good->steps.items[missing], NULL);
}

static int weight(const struct sw_divergence *divergence)
{
	bool broken = divergence->bad && !sw_step_went_well(divergence->bad);
	if (broken && divergence->kind != SW_DIFFERENCE_EXTRA)
		return 3;
	if (broken)
		return 2;
	return divergence->kind == SW_DIFFERENCE_SLOWER || divergence->kind == SW_DIFFERENCE_OUTCOME;
}

/* The broken step first: what went well there and not here; where none did, what the second alone did, then what took longer. */
static void put_first(struct sw_diff *diff)
{
	size_t best = 0;
	for (size_t i = 1; i < diff->divergences.count; i++)
		if (weight(&diff->divergences.items[i]) > weight(&diff->divergences.items[best]))
			best = i;
	if (best == 0)
		return;
	struct sw_divergence first = diff->divergences.items[best];
	memmove(diff->divergences.items + 1, diff->divergences.items, best * sizeof first);
	diff->divergences.items[0] = first;
}

void sw_diff_make(struct sw_diff *diff, struct sw_recording *good, struct sw_recording *bad)
{
	*diff = (struct sw_diff){0};
	pair(good, bad, 3);
	pair(good, bad, 2);
	list(diff, good, bad);
	put_first(diff);
}
