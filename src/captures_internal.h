/* The part of the captures that knows of further places: which there are, and what the kernel says of the way to them. */
#ifndef SW_CAPTURES_INTERNAL_H
#define SW_CAPTURES_INTERNAL_H

#include "capture/twins.h"
#include "src/options.h"
#include "src/places.h"
#include "tracer/call.h"

#define SW_CAPTURE_WAYS 256 /* pairs of addresses that the kernel is asked about */

struct sw_capture_places {
	struct sw_trace_sink trace; /* facts and limits */
	bool automatic; /* --also-on auto: what is found by itself is captured on too */
	struct sw_place items[SW_PLACES_MAX];
	size_t count, opened;
	struct sw_twins *twins; /* NULL: one place only */
	int entrance; /* index of the device by which a container's packets come into our namespace; 0 not known */
	uint32_t facts; /* said so far */
	struct {
		struct sw_ip source, destination;
	} ways[SW_CAPTURE_WAYS];
	size_t way_count;
};

int sw_capture_places_check(const struct sw_options *options, struct sw_err *err);
void sw_capture_places_init(struct sw_capture_places *places, const struct sw_options *options,
			    const struct sw_trace_sink *trace);
void sw_capture_places_release(struct sw_capture_places *places);
/* A network namespace of the target's: looks for its devices' other ends. Before the first capture is opened. */
void sw_capture_places_namespace(struct sw_capture_places *places, uint32_t netns, int fd);
/* A packet that was kept: the kernel is asked where such ones leave by. */
void sw_capture_places_packet(struct sw_capture_places *places, const struct sw_packet *packet);

#endif
