/* See names_learnt.h. An address that several names share goes by the one that was asked for last, or last before the moment that matters. */
#include "correlate/findings/names_learnt.h"

#include <string.h>
#include <uthash.h>

#include "capture/dns.h"
#include "src/base/mem.h"

#define NAMES_MAX 4096

struct learnt {
	uint8_t key[17]; /* family and address */
	struct sw_name_answer answers[SW_NAME_ANSWERS]; /* a ring: answer n is at n % SW_NAME_ANSWERS */
	size_t count;
	UT_hash_handle hh;
};

struct sw_names {
	struct learnt *table; /* in the order they were learnt */
};

struct sw_names *sw_names_new(void)
{
	return sw_alloc(sizeof(struct sw_names));
}

static void forget(struct sw_names *names, struct learnt *learnt)
{
	HASH_DEL(names->table, learnt);
	for (size_t i = 0; i < SW_NAME_ANSWERS; i++)
		free(learnt->answers[i].name);
	free(learnt);
}

void sw_names_free(struct sw_names *names)
{
	struct learnt *learnt, *next;

	if (!names)
		return;
	HASH_ITER (hh, names->table, learnt, next)
		forget(names, learnt);
	free(names);
}

static void key_of(uint8_t key[17], const struct sw_ip *ip)
{
	memset(key, 0, 17);
	key[0] = ip->family;
	memcpy(key + 1, ip->bytes, ip->family == 4 ? 4 : 16);
}

static void learn(struct sw_names *names, const struct sw_ip *ip, const struct sw_name_answer *answer)
{
	struct learnt *learnt;
	uint8_t key[17];

	key_of(key, ip);
	HASH_FIND(hh, names->table, key, sizeof key, learnt);
	if (!learnt) {
		if (HASH_COUNT(names->table) >= NAMES_MAX)
			forget(names, names->table);
		learnt = sw_alloc(sizeof *learnt);
		memcpy(learnt->key, key, sizeof key);
		HASH_ADD(hh, names->table, key, sizeof learnt->key, learnt);
	}
	struct sw_name_answer *slot = &learnt->answers[learnt->count++ % SW_NAME_ANSWERS];

	free(slot->name);
	*slot = *answer;
	slot->name = sw_strdup(answer->name);
}

void sw_names_packet(struct sw_names *names, const struct sw_packet *packet)
{
	for (const struct sw_dns *dns = packet->dns; dns; dns = dns->next) {
		for (uint16_t i = 0; dns->response && dns->name[0] && i < dns->answer_count; i++) {
			if (dns->answers[i].ip.family)
				learn(names, &dns->answers[i].ip,
				      &(struct sw_name_answer){.name = (char *)dns->name,
							       .server = packet->src,
							       .ttl_s = dns->answers[i].ttl,
							       .time_ns = packet->time_ns});
		}
	}
}

static const struct learnt *find(const struct sw_names *names, const struct sw_ip *ip)
{
	struct learnt *learnt;
	uint8_t key[17];

	if (!ip->family)
		return NULL;
	key_of(key, ip);
	HASH_FIND(hh, names->table, key, sizeof key, learnt);
	return learnt;
}

const char *sw_names_of(const struct sw_names *names, const struct sw_ip *ip)
{
	const struct learnt *learnt = find(names, ip);

	return learnt ? learnt->answers[(learnt->count - 1) % SW_NAME_ANSWERS].name : NULL;
}

const struct sw_name_answer *sw_names_answer(const struct sw_names *names, const struct sw_ip *ip, int64_t before_ns)
{
	const struct learnt *learnt = find(names, ip);
	size_t kept = !learnt ? 0 : learnt->count < SW_NAME_ANSWERS ? learnt->count : SW_NAME_ANSWERS;

	for (size_t i = 1; i <= kept; i++) {
		const struct sw_name_answer *answer = &learnt->answers[(learnt->count - i) % SW_NAME_ANSWERS];

		if (answer->time_ns <= before_ns)
			return answer;
	}
	return NULL;
}
