/* Which questions are one look-up. Enters: DNS messages. Leaves: look-ups with their questions and answers. Knows nothing of calls.
 *
 * A question belongs to a look-up that is under way when it asks the same name again (a try, the next server, the other type, TCP
 * after a cut answer), or the next candidate of a search list right behind a no. */
#include "correlate/flows/lookups.h"

#include <string.h>
#include <strings.h>

/* A resolver library that got a no asks the next candidate, type or server at once; a program that starts over needs longer. */
#define NEXT_CANDIDATE_NS (500 * SW_NS_PER_MS) /* a busy machine takes its time between the two */
#define SILENCE_NS (500 * SW_NS_PER_MS)
#define NEXT_TYPE_NS (250 * SW_NS_PER_MS)
/* The longest that resolv.conf(5) lets a try wait ("options timeout" is capped at 30 s). */
#define NEXT_TRY_NS (31 * SW_NS_PER_S)
#define LOOK_BACK 64 /* look-ups that may still be under way */

#define ASKED_OF_US 64

struct asked { /* a question that somebody asked us */
	char name[SW_DNS_NAME];
	int64_t time_ns;
};

struct sw_lookups {
	struct asked asked[ASKED_OF_US]; /* a ring */
	size_t asked_count;
	SW_ARRAY(struct sw_lookup *) list; /* in the order they began */
	uint32_t last_id;
};

struct sw_lookups *sw_lookups_new(void)
{
	return sw_alloc(sizeof(struct sw_lookups));
}

static void lookup_free(struct sw_lookup *lookup)
{
	SW_ARRAY_RELEASE(&lookup->questions);
	free(lookup);
}

void sw_lookups_free(struct sw_lookups *lookups)
{
	if (!lookups)
		return;
	for (size_t i = 0; i < lookups->list.count; i++)
		lookup_free(lookups->list.items[i]);
	SW_ARRAY_RELEASE(&lookups->list);
	free(lookups);
}

const struct sw_lookup *sw_lookups_at(const struct sw_lookups *lookups, size_t index)
{
	return index < lookups->list.count ? lookups->list.items[index] : NULL;
}

/* ---- which look-up -------------------------------------------------------------------------------------------- */

static bool said_no(const struct sw_question *question)
{
	return question->answered.packet && !question->fitting && !question->truncated;
}

static bool is_pending(const struct sw_question *question)
{
	return !question->answered.packet;
}

static size_t first_label(const char *name)
{
	return strcspn(name, ".");
}

/* One of them is the other with a search domain behind it. */
static bool is_searched(const char *a, const char *b)
{
	size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return !strncasecmp(a, b, shorter) && strchr(".", a[shorter]) && strchr(".", b[shorter]);
}

/* Or both are the same single label with different ones. */
static bool are_candidates(const char *a, const char *b)
{
	return is_searched(a, b) || (first_label(a) == first_label(b) && !strncasecmp(a, b, first_label(a)));
}

/* Why the same name may be asked again: another type, an answer that is missing, cut, or a server's failure. */
static bool goes_on_same(const struct sw_question *before, const struct sw_dns *dns, const struct sw_packet *packet)
{
	int64_t since_ns =
		packet->time_ns - (is_pending(before) ? before->asked_last.time_ns : before->answered.time_ns);

	if (is_pending(before))
		return since_ns <= NEXT_TRY_NS;
	if (before->truncated || before->rcode == SW_DNS_SERVFAIL || before->rcode == SW_DNS_REFUSED ||
	    before->rcode == SW_DNS_NOTIMP || before->rcode == SW_DNS_FORMERR)
		return since_ns <= NEXT_TYPE_NS;
	return before->type != dns->type && since_ns <= NEXT_TYPE_NS;
}

/* A no; or silence, for as long as the shortest wait of resolver libraries: then the name is tried as it is, or with the domain. */
static bool was_left_for(const struct sw_question *before, const char *name, int64_t time_ns)
{
	int64_t silent_ns = time_ns - before->asked_last.time_ns;

	if (is_pending(before))
		return silent_ns >= SILENCE_NS && silent_ns <= NEXT_TRY_NS && is_searched(before->name, name);
	return said_no(before) && time_ns - before->answered.time_ns <= NEXT_CANDIDATE_NS &&
	       are_candidates(before->name, name);
}

/* The name's last question of that type decides: what was answered well and is asked again is a new look-up. */
static bool goes_on(const struct sw_lookup *lookup, const struct sw_packet *packet)
{
	const struct sw_dns *dns = packet->dns;
	bool same = false, candidate = false, over = false;

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *before = &lookup->questions.items[i];

		if (!strcasecmp(before->name, dns->name)) {
			bool on = goes_on_same(before, dns, packet);

			if (before->truncated && packet->kind == SW_PACKET_TCP && on)
				return true; /* all is asked again then, the types that had been answered too */

			if (is_pending(before) && on)
				return true; /* another type is still waited for: glibc then asks for both again */
			same |= on;
			over |= before->type == dns->type && !on;
		} else {
			candidate |= was_left_for(before, dns->name, packet->time_ns);
		}
	}
	return (same || candidate) && (!over || (candidate && !same));
}

static struct sw_lookup *under_way(const struct sw_lookups *lookups, const struct sw_packet *packet)
{
	for (size_t back = 0; back < LOOK_BACK && back < lookups->list.count; back++) {
		struct sw_lookup *lookup = lookups->list.items[lookups->list.count - 1 - back];

		if (goes_on(lookup, packet))
			return lookup;
	}
	return NULL;
}

static void be_asked(struct sw_lookups *lookups, const struct sw_packet *packet)
{
	struct asked *asked = &lookups->asked[lookups->asked_count++ % ASKED_OF_US];

	memcpy(asked->name, packet->dns->name, sizeof asked->name);
	asked->time_ns = packet->time_ns;
}

/* A forwarder or resolver asks for others. */
static bool is_passed_on(const struct sw_lookups *lookups, const struct sw_packet *packet)
{
	for (size_t i = 0; i < lookups->asked_count && i < ASKED_OF_US; i++) {
		const struct asked *asked = &lookups->asked[i];

		if (packet->time_ns >= asked->time_ns && packet->time_ns - asked->time_ns <= NEXT_TRY_NS &&
		    strcasecmp(asked->name, packet->dns->name) == 0)
			return true;
	}
	return false;
}

static struct sw_lookup *begin(struct sw_lookups *lookups, int64_t time_ns)
{
	struct sw_lookup *lookup = sw_alloc(sizeof *lookup);

	lookup->id = ++lookups->last_id;
	lookup->began_ns = time_ns;
	*SW_ARRAY_ADD(&lookups->list) = lookup;
	return lookup;
}

/* ---- questions and answers ------------------------------------------------------------------------------------ */

static struct sw_seen seen_of(const struct sw_packet *packet)
{
	return (struct sw_seen){.packet = packet->id, .input = packet->input, .time_ns = packet->time_ns};
}

/* A server that understands nothing answers with a header alone (RFC 1035, 4.1.1); a short capture may end before the question. */
static bool has_no_question(const struct sw_dns *dns)
{
	return dns->response && !dns->type && (dns->rcode || dns->cut);
}

static bool is_of(const struct sw_question *question, const struct sw_dns *dns, uint32_t flow)
{
	return question->flow == flow && question->id == dns->id &&
	       (has_no_question(dns) || (question->type == dns->type && !strcasecmp(question->name, dns->name)));
}

static void ask(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow)
{
	struct sw_lookup *lookup = under_way(lookups, packet);
	struct sw_question *question = NULL;

	if (!lookup)
		lookup = begin(lookups, packet->time_ns);
	lookup->active_ns = packet->time_ns;
	lookup->passed_on |= is_passed_on(lookups, packet);
	for (size_t i = 0; i < lookup->questions.count && !question; i++) {
		if (is_of(&lookup->questions.items[i], packet->dns, flow) && is_pending(&lookup->questions.items[i]))
			question = &lookup->questions.items[i];
	}
	if (!question && lookup->questions.count == SW_QUESTIONS_MAX) {
		lookup->more++;
		return;
	}
	if (!question) {
		question = SW_ARRAY_ADD(&lookup->questions);
		memset(question, 0, sizeof *question);
		memcpy(question->name, packet->dns->name, sizeof question->name);
		question->type = packet->dns->type;
		question->id = packet->dns->id;
		question->flow = flow;
		question->server = packet->dst;
		question->tcp = packet->kind == SW_PACKET_TCP;
		question->asked = seen_of(packet);
	}
	question->tries++;
	question->asked_last = seen_of(packet);
}

static uint16_t fitting(const struct sw_dns *dns)
{
	uint16_t count = 0;

	for (uint16_t i = 0; i < dns->answer_count; i++)
		count = (uint16_t)(count + (dns->answers[i].type == dns->type));
	return count || dns->answer_total <= dns->answer_count ? count :
								 1; /* more than are kept, or captured: some fits */
}

/* What came for a question that is still open, and does not answer it. */
static void stray(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow)
{
	struct sw_lookup *lookup = sw_lookups_find(lookups, flow, packet->time_ns - NEXT_TRY_NS, packet->time_ns);

	for (size_t i = 0; lookup && i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (question->flow != flow || !is_pending(question))
			continue;
		if (!lookup->strays++) {
			lookup->stray = seen_of(packet);
			lookup->stray_why = !packet->dns                    ? SW_STRAY_NO_DNS :
					    packet->dns->id == question->id ? SW_STRAY_QUESTION :
									      SW_STRAY_ID;
		}
		lookup->active_ns = packet->time_ns;
		return;
	}
}

void sw_lookups_undecoded(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow)
{
	if (packet->payload_captured >= packet->payload_length)
		stray(lookups, packet, flow);
}

/* False: it answers no question of that flow. */
static bool answer(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow)
{
	bool again = false; /* a second answer to the same */

	for (size_t i = lookups->list.count; i-- > 0;) {
		struct sw_lookup *lookup = lookups->list.items[i];

		for (size_t j = 0; j < lookup->questions.count; j++) {
			struct sw_question *question = &lookup->questions.items[j];

			if (!is_of(question, packet->dns, flow))
				continue;
			if (question->answered.packet) {
				again = true;
				continue;
			}
			question->answered = seen_of(packet);
			question->rcode = packet->dns->rcode;
			question->truncated = packet->dns->truncated && packet->kind != SW_PACKET_TCP;
			question->fitting = fitting(packet->dns);
			lookup->active_ns = packet->time_ns;
			return true;
		}
		if (packet->time_ns - lookup->began_ns > 10 * NEXT_TRY_NS)
			break;
	}
	return again;
}

void sw_lookups_message(struct sw_lookups *lookups, const struct sw_packet *packet, uint32_t flow, bool ours)
{
	for (const struct sw_dns *dns = packet->dns; dns; dns = dns->next) {
		struct sw_packet one = *packet;

		one.dns = dns;
		if (dns->opcode != 0)
			continue;
		if (!ours && !dns->response)
			be_asked(lookups, &one);
		if (dns->response == ours)
			continue;
		if (ours)
			ask(lookups, &one, flow);
		else if (!answer(lookups, &one, flow) && packet->kind == SW_PACKET_UDP)
			stray(lookups, &one, flow);
	}
}

struct sw_lookup *sw_lookups_find(const struct sw_lookups *lookups, uint32_t flow, int64_t from_ns, int64_t to_ns)
{
	for (size_t i = lookups->list.count; flow && i-- > 0;) {
		struct sw_lookup *lookup = lookups->list.items[i];

		for (size_t j = 0; j < lookup->questions.count; j++) {
			const struct sw_question *question = &lookup->questions.items[j];

			if (question->flow == flow && question->asked.time_ns <= to_ns &&
			    question->asked_last.time_ns >= from_ns)
				return lookup;
		}
	}
	return NULL;
}

struct sw_lookup *sw_lookups_named(const struct sw_lookups *lookups, const char *name, int64_t from_ns, int64_t to_ns)
{
	for (size_t i = lookups->list.count; i-- > 0;) {
		struct sw_lookup *lookup = lookups->list.items[i];

		if (lookup->began_ns < from_ns || lookup->began_ns > to_ns)
			continue;
		for (size_t j = 0; j < lookup->questions.count; j++)
			if (!strcasecmp(lookup->questions.items[j].name, name))
				return lookup;
	}
	return NULL;
}

struct sw_lookup *sw_lookups_get(const struct sw_lookups *lookups, uint32_t id)
{
	for (size_t i = lookups->list.count; id && i-- > 0;) {
		if (lookups->list.items[i]->id == id)
			return lookups->list.items[i];
	}
	return NULL;
}

void sw_lookups_expire(struct sw_lookups *lookups, int64_t before_ns, bool (*kept)(void *context, uint32_t id),
		       void *context)
{
	size_t count = 0;

	for (size_t i = 0; i < lookups->list.count; i++) {
		struct sw_lookup *lookup = lookups->list.items[i];

		if (lookup->active_ns >= before_ns || kept(context, lookup->id))
			lookups->list.items[count++] = lookup;
		else
			lookup_free(lookup);
	}
	lookups->list.count = count;
}

void sw_lookups_each(const struct sw_lookups *lookups, void (*visit)(void *context, const struct sw_lookup *lookup),
		     void *context)
{
	for (size_t i = 0; i < lookups->list.count; i++)
		visit(context, lookups->list.items[i]);
}

void sw_lookups_undeliver(struct sw_lookups *lookups)
{
	for (size_t i = 0; i < lookups->list.count; i++) {
		lookups->list.items[i]->in_vain = 0;
		for (size_t j = 0; j < lookups->list.items[i]->questions.count; j++)
			lookups->list.items[i]->questions.items[j].undelivered = false;
	}
}
