/* What became of a look-up: see lookups.h. Enters: its questions, as lookups.c keeps them. Leaves: what decides. */
#include <string.h>
#include <strings.h>

#include "correlate/lookups.h"

/* RFC 2782, RFC 9460: asked beside, and done without. */
#define TYPE_SRV 33
#define TYPE_SVCB 64
#define TYPE_HTTPS 65

static bool got(const struct sw_question *question)
{
	return question->answered.packet && !question->undelivered && !question->truncated;
}

const struct sw_question *sw_lookup_found(const struct sw_lookup *lookup)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		if (got(&lookup->questions.items[i]) && lookup->questions.items[i].fitting)
			return &lookup->questions.items[i];
	}
	return NULL;
}

bool sw_lookup_answered(const struct sw_lookup *lookup)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		if (got(&lookup->questions.items[i]))
			return true;
	}
	return false;
}

static int weight(const struct sw_question *question)
{
	return question->rcode == SW_DNS_NOERROR ? 1 : question->rcode == SW_DNS_NXDOMAIN ? 2 : 3;
}

/* A server's failure that the next server or try answered otherwise decides nothing. */
static bool overruled(const struct sw_lookup *lookup, const struct sw_question *question)
{
	for (size_t i = 0; weight(question) == 3 && i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (got(other) && other->type == question->type && !strcasecmp(other->name, question->name) &&
		    weight(other) < 3)
			return true;
	}
	return false;
}

/* "No record of that type", while the answer about another type was cut and its rest was not seen, says nothing of the name. */
static bool half_said(const struct sw_lookup *lookup, const struct sw_question *question)
{
	for (size_t i = 0; question->rcode == SW_DNS_NOERROR && i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (other->truncated && other->type != question->type && !strcasecmp(other->name, question->name))
			return true;
	}
	return false;
}

/* A candidate that nobody said anything of: that the others are not there does not decide then. */
static bool has_silent_candidate(const struct sw_lookup *lookup)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		bool heard = false;

		for (size_t j = 0; j < lookup->questions.count && !heard; j++)
			heard = lookup->questions.items[j].answered.packet && !lookup->questions.items[j].undelivered &&
				!strcasecmp(lookup->questions.items[i].name, lookup->questions.items[j].name);
		if (!heard)
			return true;
	}
	return false;
}

const struct sw_question *sw_lookup_deciding(const struct sw_lookup *lookup)
{
	const struct sw_question *best = NULL, *last_resort = NULL;

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (!got(question) || question->fitting || half_said(lookup, question))
			continue;
		if (overruled(lookup, question))
			last_resort = question;
		else if (!best || weight(question) > weight(best))
			best = question;
	}
	if (best && weight(best) < 3 && has_silent_candidate(lookup))
		return NULL;
	return best ? best : last_resort;
}

bool sw_lookup_strayed(const struct sw_lookup *lookup)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		if (lookup->questions.items[i].answered.packet)
			return false;
	}
	return lookup->strays > 0;
}

bool sw_lookup_made_good(const struct sw_lookup *lookup)
{
	const struct sw_question *found = sw_lookup_found(lookup);

	for (size_t i = 0; found && i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (got(other) && !other->fitting && (other->rcode || strcasecmp(other->name, found->name)))
			return true;
	}
	return false;
}

bool sw_lookup_only_aside(const struct sw_lookup *lookup)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		uint16_t type = lookup->questions.items[i].type;

		if (type != SW_DNS_PTR && type != TYPE_SRV && type != TYPE_SVCB && type != TYPE_HTTPS)
			return false;
	}
	return lookup->questions.count > 0;
}

const char *sw_lookup_name(const struct sw_lookup *lookup)
{
	const char *name = NULL;

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (got(question) && question->fitting)
			return question->name;
		if (!name || strlen(question->name) < strlen(name))
			name = question->name;
	}
	return name;
}
