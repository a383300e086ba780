/* Opening the capture: in the namespace, with the ring of the kernel that loses least, for this process alone.
 *
 * Enters: options and a namespace. Leaves: an activated libpcap handle. setns changes the calling thread, so a
 * thread of its own does all that depends on the namespace; the descriptor works from anywhere afterwards.
 * packet(7), pcap(3PCAP). */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>

#include "capture/decode.h"
#include "capture/live_internal.h"

#define SNAPLEN_HEADERS 2048 /* also holds DNS over UDP and what matters of a TLS handshake's segment */
#define SNAPLEN_PAYLOAD 262144
#define BUFFER_BYTES (16 << 20)

struct opening {
	const struct sw_live_options *options;
	int netns_fd;
	pcap_t *handle;
	struct bpf_program *program;
	struct sw_err *err;
};

static int refuse(struct opening *opening, int status)
{
	const char *interface = opening->options->interface, *said = pcap_geterr(opening->handle);

	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return sw_err_set(
			opening->err, -EPERM,
			"no right to capture packets: use sudo, or once: sudo setcap cap_net_raw=ep \"$(command -v sockwhy)\"");
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return sw_err_set(opening->err, -ENODEV, "%s: no such interface", interface ? interface : "any");
	default:
		return sw_err_set(opening->err, -EIO, "cannot capture: %s",
				  said && *said ? said : pcap_statustostr(status));
	}
}

/* One interface of the namespace: the socket that listens on all is bound to it, so that its frames keep the cooked
 * header, which says the way. Bytes in the ring from before are few and nobody's. */
static int bind_interface(struct opening *opening)
{
	struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const char *name = opening->options->interface;

	where.sll_ifindex = (int)if_nametoindex(name);
	if (!where.sll_ifindex)
		return sw_err_set(opening->err, -ENODEV, "%s: no such interface", name);
	if (bind(pcap_fileno(opening->handle), (struct sockaddr *)&where, sizeof where))
		return sw_err_set(opening->err, -errno, "%s: cannot capture: %s", name, strerror(errno));
	return 0;
}

/* Also without an expression: the program's answer is how much of a packet the kernel copies into the ring; without
 * a program it copies all 64 KiB of what offload made, and drops the next ones (seen: 500 of 100,000). */
static int set_filter(struct opening *opening)
{
	const char *expression = opening->options->filter ? opening->options->filter : "";

	if (pcap_compile(opening->handle, opening->program, expression, 1, PCAP_NETMASK_UNKNOWN))
		return sw_err_set(opening->err, -EINVAL, "--filter %s: %s", expression, pcap_geterr(opening->handle));
	if (opening->options->no_bpf)
		return 0; /* the caller runs the program on each frame */
	/* Now, before the capture counts as open: replacing it later would lose packets without a trace in the
	 * counters. */
	int status = pcap_setfilter(opening->handle, opening->program);

	pcap_freecode(opening->program);
	return status ? sw_err_set(opening->err, -EIO, "--filter: %s", pcap_geterr(opening->handle)) : 0;
}

static int configure(struct opening *opening)
{
	const struct sw_live_options *options = opening->options;
	uint32_t snaplen = options->snaplen ? options->snaplen : options->payload ? SNAPLEN_PAYLOAD : SNAPLEN_HEADERS;
	pcap_t *handle = opening->handle;

	pcap_set_snaplen(handle, (int)snaplen);
	pcap_set_timeout(handle, SW_LIVE_TIMEOUT_MS);
	pcap_set_buffer_size(handle, options->buffer_bytes ? options->buffer_bytes : BUFFER_BYTES);
	pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
	int status = pcap_activate(handle);

	if (status < 0)
		return refuse(opening, status);
	if (pcap_set_datalink(handle, DLT_LINUX_SLL2))
		return sw_err_set(opening->err, -EIO, "cannot capture: %s", pcap_geterr(handle));
	return 0;
}

static int finish(struct opening *opening)
{
	char said[PCAP_ERRBUF_SIZE];

	(void)fcntl(pcap_fileno(opening->handle), F_SETFD, FD_CLOEXEC);
	if (pcap_setnonblock(opening->handle, 1, said))
		return sw_err_set(opening->err, -EIO, "cannot capture: %s", said);
	return 0;
}

/* Entering takes CAP_SYS_ADMIN; cap_net_raw alone is enough for the namespace in which the tool itself is. */
static bool is_ours(int netns_fd)
{
	struct stat wanted, own;

	return !fstat(netns_fd, &wanted) && !stat("/proc/thread-self/ns/net", &own) && wanted.st_dev == own.st_dev &&
	       wanted.st_ino == own.st_ino;
}

static void *open_in_namespace(void *argument)
{
	struct opening *opening = argument;
	char said[PCAP_ERRBUF_SIZE];
	int failed;

	if (opening->netns_fd >= 0 && !is_ours(opening->netns_fd) && setns(opening->netns_fd, CLONE_NEWNET)) {
		sw_err_set(opening->err, errno == EPERM ? -EACCES : -errno,
			   "cannot enter the program's network namespace: %s", strerror(errno));
		return NULL;
	}
	opening->handle = pcap_create("any", said);
	if (!opening->handle) {
		sw_err_set(opening->err, -EIO, "cannot capture: %s", said);
		return NULL;
	}
	failed = configure(opening);
	if (!failed && opening->options->interface && strcmp(opening->options->interface, "any"))
		failed = bind_interface(opening);
	if (!failed)
		failed = set_filter(opening);
	if (!failed)
		failed = finish(opening);
	if (failed) {
		pcap_close(opening->handle);
		opening->handle = NULL;
	}
	return NULL;
}

pcap_t *sw_live_activate(const struct sw_live_options *options, int netns_fd, struct bpf_program *program,
			 struct sw_err *err)
{
	struct opening opening = {.options = options, .netns_fd = netns_fd, .program = program, .err = err};
	pthread_t thread;

	if (netns_fd < 0) {
		open_in_namespace(&opening);
		return opening.handle;
	}
	int failed = pthread_create(&thread, NULL, open_in_namespace, &opening);

	if (failed) {
		sw_err_set(err, -failed, "cannot start a thread for a network namespace: %s", strerror(failed));
		return NULL;
	}
	pthread_join(thread, NULL);
	return opening.handle;
}
