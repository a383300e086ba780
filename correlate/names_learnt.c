/* See names_learnt.h. An address that several names share goes by the one that was asked for last. */
#include "correlate/names_learnt.h"

#include <string.h>
#include <uthash.h>

#include "capture/dns.h"
#include "src/base/mem.h"

#define NAMES_MAX 4096

struct learnt {
	uint8_t key[17]; /* family and address */
	char *name;
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
	free(learnt->name);
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

static void learn(struct sw_names *names, const struct sw_ip *ip, const char *name)
{
	struct learnt *learnt;
	uint8_t key[17];

	key_of(key, ip);
	HASH_FIND(hh, names->table, key, sizeof key, learnt);
	if (learnt && !strcmp(learnt->name, name))
		return;
	if (learnt)
		forget(names, learnt);
	else if (HASH_COUNT(names->table) >= NAMES_MAX)
		forget(names, names->table);
	learnt = sw_alloc(sizeof *learnt);
	memcpy(learnt->key, key, sizeof key);
	learnt->name = sw_strdup(name);
	HASH_ADD(hh, names->table, key, sizeof learnt->key, learnt);
}

void sw_names_packet(struct sw_names *names, const struct sw_packet *packet)
{
	for (const struct sw_dns *dns = packet->dns; dns; dns = dns->next) {
		for (uint16_t i = 0; dns->response && dns->name[0] && i < dns->answer_count; i++) {
			if (dns->answers[i].ip.family)
				learn(names, &dns->answers[i].ip, dns->name);
		}
	}
}

const char *sw_names_of(const struct sw_names *names, const struct sw_ip *ip)
{
	struct learnt *learnt;
	uint8_t key[17];

	if (!ip->family)
		return NULL;
	key_of(key, ip);
	HASH_FIND(hh, names->table, key, sizeof key, learnt);
	return learnt ? learnt->name : NULL;
}
