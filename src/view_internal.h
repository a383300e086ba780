/* What the view's files share: findings and the status line (view.c), the timeline of --live (view_live.c). */
#ifndef SW_VIEW_INTERNAL_H
#define SW_VIEW_INTERNAL_H

#include <uthash.h>

#include "src/base/mem.h"
#include "src/view.h"

struct said { /* a cause, and how often it was met */
	char fingerprint[17];
	uint64_t count, shown; /* when it was last shown */
	int64_t shown_ns;
	UT_hash_handle hh;
};

struct sw_view {
	bool findings, live, notes, colour, status;
	bool drawn; /* the status line stands there */
	int64_t began_ns, status_ns;
	struct said *said;
	uint64_t found, not_shown;
	SW_ARRAY(char *) held; /* lines of packets that a call still under way may have caused */
	SW_ARRAY(uint32_t) causing; /* threads inside of such calls */
	int64_t held_since_ns;
};

/* In one write, with the status line erased before it. */
void sw_view_put(struct sw_view *view, const char *text);
void sw_view_live_end(struct sw_view *view);

#endif
