/* What opening and running a live capture share. Nobody else includes this. */
#ifndef SW_CAPTURE_LIVE_INTERNAL_H
#define SW_CAPTURE_LIVE_INTERNAL_H

#include <pcap/pcap.h>

#include "capture/live.h"

#define SW_LIVE_TIMEOUT_MS 10

/* Opens and activates in the namespace. NULL with err set. With `no_bpf` the compiled filter is left in `program`,
 * else it is empty. */
pcap_t *sw_live_activate(const struct sw_live_options *options, int netns_fd, struct bpf_program *program,
			 struct sw_err *err);

#endif
