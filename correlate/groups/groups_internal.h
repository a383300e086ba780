/* The inside of the groups, shared by groups.c and groups_fold.c alone. */
#ifndef SW_CORRELATE_GROUPS_INTERNAL_H
#define SW_CORRELATE_GROUPS_INTERNAL_H

#include <uthash.h>

#include "correlate/groups/groups.h"

#define SW_GROUP_KEY (SW_ADDR_TEXT + 128)

struct group {
	char key[SW_GROUP_KEY];
	size_t finding; /* index */
	int64_t last_ns;
	char *recovered_by; /* of the last of its symptoms */
	UT_hash_handle hh;
};

struct alike { /* how many symptoms like this one came before */
	char key[SW_GROUP_KEY];
	uint32_t count;
	UT_hash_handle hh;
};

struct sw_groups {
	struct sw_arena *arena; /* what is told lives in it */
	struct group *by_key;
	struct alike *alikes;
	SW_ARRAY(struct sw_finding) findings;
	SW_ARRAY(uint32_t) attempts; /* of each finding's representative */
	SW_ARRAY(bool) listening; /* it is about a listener */
	uint64_t left_out; /* symptoms of causes beyond SW_GROUPS_MAX */
	bool none_counts; /* in a finding over IP absence is no evidence */
};

void sw_group_occurrence(struct sw_groups *groups, struct sw_finding *finding, const struct sw_occurrence *occurrence);
void sw_groups_fold(struct sw_groups *groups);

#endif
