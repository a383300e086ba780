/* What became of a look-up: see lookups.h. Enters: its questions, as lookups.c keeps them. Leaves: what decides. */
#include <string.h>
#include <strings.h>

#include "correlate/flows/lookups.h"

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
	for (size_t i = 0; !lookup->in_vain && i < lookup->questions.count; i++) {
		if (got(&lookup->questions.items[i]) && lookup->questions.items[i].fitting)
			return &lookup->questions.items[i];
	}
	return NULL;
}

static bool is_family(uint16_t type)
{
	return type == SW_DNS_A || type == SW_DNS_AAAA;
}

static bool is_found(const struct sw_lookup *lookup, const char *name, uint16_t type)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];

		if (got(question) && question->fitting && question->type == type && !strcasecmp(question->name, name))
			return true;
	}
	return false;
}

uint32_t sw_lookup_other_family(const struct sw_lookup *lookup)
{
	uint32_t silent = 0;

	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *question = &lookup->questions.items[i];
		uint16_t other = question->type == SW_DNS_A ? SW_DNS_AAAA : SW_DNS_A;

		if (!is_family(question->type) || !is_found(lookup, question->name, other) ||
		    is_found(lookup, question->name, question->type))
			continue;
		if (got(question) && question->rcode == SW_DNS_NOERROR)
			return (uint32_t)i + 1;
		if (!question->answered.packet)
			silent = (uint32_t)i + 1;
	}
	return silent;
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

static bool is_answered(const struct sw_lookup *lookup, const struct sw_question *question)
{
	for (size_t i = 0; i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (got(other) && other->type == question->type && !strcasecmp(other->name, question->name))
			return true;
	}
	return false;
}

/* "No record of that type" says nothing of the name while the answer about another type was cut and its rest was not seen, or nobody
 * answered about the other family, or where the capture ends before the type. */
static bool half_said(const struct sw_lookup *lookup, const struct sw_question *question)
{
	if (question->rcode == SW_DNS_NOERROR && !question->type)
		return true;
	for (size_t i = 0; question->rcode == SW_DNS_NOERROR && i < lookup->questions.count; i++) {
		const struct sw_question *other = &lookup->questions.items[i];

		if (other->type == question->type || strcasecmp(other->name, question->name))
			continue;
		if (other->truncated ||
		    (is_family(other->type) && is_family(question->type) && !is_answered(lookup, other)))
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

	if (lookup->in_vain) {
		best = &lookup->questions.items[lookup->in_vain - 1];
		return got(best) ? best : NULL;
	}
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
