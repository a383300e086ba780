/* Names of the constants in socket calls: see the header. To add one: a row in its table; numbers come from the system's headers. */
#include "tracer/constants.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "src/base/mem.h"

struct constant {
	const char *name;
	int64_t number;
};

/* clang-format off */
#define ROW(name) { #name, name }

static const struct constant families[] = {
	ROW(AF_UNSPEC), ROW(AF_UNIX), ROW(AF_INET), ROW(AF_INET6), ROW(AF_NETLINK), ROW(AF_PACKET), ROW(AF_LOCAL),
	ROW(AF_BLUETOOTH), ROW(AF_ALG), ROW(AF_VSOCK), ROW(AF_XDP), ROW(AF_KEY), ROW(AF_TIPC), ROW(AF_CAN), ROW(AF_RDS),
	ROW(AF_AX25), ROW(AF_IPX), ROW(AF_APPLETALK), ROW(AF_X25), ROW(AF_QIPCRTR), ROW(AF_SMC), ROW(AF_NFC), ROW(AF_IB),
	ROW(AF_MPLS), ROW(AF_LLC), ROW(AF_RXRPC), ROW(AF_KCM), { "AF_FILE", AF_UNIX }, { NULL, 0 },
};

static const struct constant types[] = {
	ROW(SOCK_STREAM), ROW(SOCK_DGRAM), ROW(SOCK_RAW), ROW(SOCK_RDM), ROW(SOCK_SEQPACKET), ROW(SOCK_DCCP),
	ROW(SOCK_PACKET), ROW(SOCK_CLOEXEC), ROW(SOCK_NONBLOCK), { NULL, 0 },
};

static const struct constant protocols[] = {
	ROW(IPPROTO_IP), ROW(IPPROTO_ICMP), ROW(IPPROTO_IGMP), ROW(IPPROTO_IPIP), ROW(IPPROTO_TCP), ROW(IPPROTO_UDP),
	ROW(IPPROTO_IPV6), ROW(IPPROTO_GRE), ROW(IPPROTO_ESP), ROW(IPPROTO_AH), ROW(IPPROTO_ICMPV6), ROW(IPPROTO_SCTP),
	ROW(IPPROTO_UDPLITE), ROW(IPPROTO_RAW), { "IPPROTO_DCCP", 33 }, { "IPPROTO_MPTCP", 262 }, { "NETLINK_ROUTE", NETLINK_ROUTE },
	{ "NETLINK_SOCK_DIAG", NETLINK_SOCK_DIAG }, { "NETLINK_INET_DIAG", NETLINK_SOCK_DIAG }, { "NETLINK_AUDIT", NETLINK_AUDIT },
	{ "NETLINK_KOBJECT_UEVENT", NETLINK_KOBJECT_UEVENT }, { "NETLINK_GENERIC", NETLINK_GENERIC },
	{ "NETLINK_NETFILTER", NETLINK_NETFILTER }, { NULL, 0 },
};

static const struct constant levels[] = {
	ROW(SOL_SOCKET), { "SOL_IP", IPPROTO_IP }, { "SOL_TCP", IPPROTO_TCP }, { "SOL_UDP", IPPROTO_UDP },
	{ "SOL_IPV6", IPPROTO_IPV6 }, { "SOL_ICMPV6", IPPROTO_ICMPV6 }, { "SOL_RAW", 255 }, { "SOL_NETLINK", 270 },
	{ "SOL_PACKET", 263 }, { "SOL_TLS", 282 }, { "SOL_MPTCP", 284 }, { "SOL_SCTP", IPPROTO_SCTP }, ROW(IPPROTO_IP), ROW(IPPROTO_TCP),
	ROW(IPPROTO_UDP), ROW(IPPROTO_IPV6), ROW(IPPROTO_ICMPV6), { NULL, 0 },
};

static const struct constant message_flags[] = {
	ROW(MSG_OOB), ROW(MSG_PEEK), ROW(MSG_DONTROUTE), ROW(MSG_CTRUNC), ROW(MSG_PROXY), ROW(MSG_TRUNC), ROW(MSG_DONTWAIT),
	ROW(MSG_EOR), ROW(MSG_WAITALL), ROW(MSG_FIN), ROW(MSG_SYN), ROW(MSG_CONFIRM), ROW(MSG_RST), ROW(MSG_ERRQUEUE),
	ROW(MSG_NOSIGNAL), ROW(MSG_MORE), ROW(MSG_WAITFORONE), ROW(MSG_BATCH), ROW(MSG_ZEROCOPY), ROW(MSG_FASTOPEN),
	ROW(MSG_CMSG_CLOEXEC), { NULL, 0 },
};

static const struct constant poll_bits[] = {
	{ "POLLIN", POLLIN }, { "POLLPRI", POLLPRI }, { "POLLOUT", POLLOUT }, { "POLLERR", POLLERR }, { "POLLHUP", POLLHUP },
	{ "POLLNVAL", POLLNVAL }, { "POLLRDNORM", 0x40 }, { "POLLRDBAND", 0x80 }, { "POLLWRNORM", 0x100 }, { "POLLWRBAND", 0x200 },
	{ "POLLMSG", 0x400 }, { "POLLREMOVE", 0x1000 }, { "POLLRDHUP", 0x2000 }, { NULL, 0 },
};

static const struct constant epoll_bits[] = {
	{ "EPOLLIN", 0x1 }, { "EPOLLPRI", 0x2 }, { "EPOLLOUT", 0x4 }, { "EPOLLERR", 0x8 }, { "EPOLLHUP", 0x10 },
	{ "EPOLLNVAL", 0x20 }, { "EPOLLRDNORM", 0x40 }, { "EPOLLRDBAND", 0x80 }, { "EPOLLWRNORM", 0x100 }, { "EPOLLWRBAND", 0x200 },
	{ "EPOLLMSG", 0x400 }, { "EPOLLRDHUP", 0x2000 }, { "EPOLLEXCLUSIVE", 1 << 28 }, { "EPOLLWAKEUP", 1 << 29 },
	{ "EPOLLONESHOT", 1 << 30 }, { "EPOLLET", INT64_C(1) << 31 }, { NULL, 0 },
};

static const struct constant epoll_ops[] = { ROW(EPOLL_CTL_ADD), ROW(EPOLL_CTL_DEL), ROW(EPOLL_CTL_MOD), { NULL, 0 } };

static const struct constant fcntls[] = {
	ROW(F_DUPFD), ROW(F_GETFD), ROW(F_SETFD), ROW(F_GETFL), ROW(F_SETFL), ROW(F_DUPFD_CLOEXEC), ROW(F_GETLK), ROW(F_SETLK),
	ROW(F_SETLKW), ROW(F_SETOWN), ROW(F_GETOWN), ROW(F_SETSIG), ROW(F_GETSIG), { "F_OFD_GETLK", 36 }, { "F_OFD_SETLK", 37 },
	{ "F_OFD_SETLKW", 38 }, { "F_SETPIPE_SZ", 1031 }, { "F_GETPIPE_SZ", 1032 }, { "F_ADD_SEALS", 1033 }, { "F_GET_SEALS", 1034 },
	{ "F_SETOWN_EX", 15 }, { "F_GETOWN_EX", 16 }, { "F_SETLEASE", 1024 }, { "F_GETLEASE", 1025 }, { "F_NOTIFY", 1026 }, { NULL, 0 },
};

static const struct constant open_flags[] = {
	ROW(O_WRONLY), ROW(O_RDWR), ROW(O_APPEND), ROW(O_NONBLOCK), ROW(O_CLOEXEC), ROW(O_DIRECTORY), ROW(O_NOFOLLOW),
	{ "O_LARGEFILE", 0100000 }, { "O_ASYNC", O_ASYNC }, { "O_DIRECT", 040000 }, { "O_NOATIME", 01000000 }, { "O_PATH", 010000000 },
	{ "O_DSYNC", O_DSYNC }, { "O_RDONLY", 0 }, { "FD_CLOEXEC", 1 }, { "O_NDELAY", O_NONBLOCK }, { NULL, 0 },
};

static const struct constant shutdowns[] = { ROW(SHUT_RD), ROW(SHUT_WR), ROW(SHUT_RDWR), { NULL, 0 } };

static const struct constant ioctls[] = {
	ROW(FIONREAD), ROW(FIONBIO), ROW(FIOASYNC), ROW(FIOCLEX), ROW(FIONCLEX), ROW(SIOCOUTQ), ROW(SIOCATMARK),
	ROW(SIOCGIFCONF), ROW(SIOCGIFADDR), ROW(SIOCGIFFLAGS), ROW(SIOCGIFINDEX), ROW(SIOCGIFNAME), ROW(SIOCGIFMTU),
	ROW(SIOCGIFHWADDR), ROW(SIOCGIFNETMASK), { "TCGETS", 0x5401 }, { "TIOCGWINSZ", 0x5413 }, { "SIOCGSKNS", 0x894c },
	{ "SIOCETHTOOL", 0x8946 }, { "TIOCINQ", FIONREAD }, { "TIOCOUTQ", SIOCOUTQ }, { NULL, 0 },
};

static const struct constant clones[] = {
	ROW(CLONE_VM), ROW(CLONE_FS), ROW(CLONE_FILES), ROW(CLONE_SIGHAND), ROW(CLONE_PIDFD), ROW(CLONE_PTRACE), ROW(CLONE_VFORK),
	ROW(CLONE_PARENT), ROW(CLONE_THREAD), ROW(CLONE_NEWNS), ROW(CLONE_SYSVSEM), ROW(CLONE_SETTLS), ROW(CLONE_PARENT_SETTID),
	ROW(CLONE_CHILD_CLEARTID), ROW(CLONE_DETACHED), ROW(CLONE_UNTRACED), ROW(CLONE_CHILD_SETTID), ROW(CLONE_NEWCGROUP),
	ROW(CLONE_NEWUTS), ROW(CLONE_NEWIPC), ROW(CLONE_NEWUSER), ROW(CLONE_NEWPID), ROW(CLONE_NEWNET), { NULL, 0 },
};

static const struct constant prctls[] = {
	ROW(PR_SET_SECCOMP), ROW(PR_GET_SECCOMP), ROW(PR_SET_NAME), ROW(PR_GET_NAME), ROW(PR_SET_PDEATHSIG), ROW(PR_SET_DUMPABLE),
	ROW(PR_GET_DUMPABLE), ROW(PR_SET_NO_NEW_PRIVS), ROW(PR_GET_NO_NEW_PRIVS), ROW(PR_SET_KEEPCAPS), ROW(PR_CAPBSET_READ),
	ROW(PR_CAPBSET_DROP), ROW(PR_CAP_AMBIENT), ROW(PR_SET_CHILD_SUBREAPER), ROW(PR_SET_TIMERSLACK), { NULL, 0 },
};
/* clang-format on */

static const struct constant *const tables[SW_CONSTANTS_COUNT] = {
	[SW_CONSTANTS_FAMILY] = families,  [SW_CONSTANTS_TYPE] = types,         [SW_CONSTANTS_PROTOCOL] = protocols,
	[SW_CONSTANTS_LEVEL] = levels,     [SW_CONSTANTS_MSG] = message_flags,  [SW_CONSTANTS_POLL] = poll_bits,
	[SW_CONSTANTS_EPOLL] = epoll_bits, [SW_CONSTANTS_EPOLL_OP] = epoll_ops, [SW_CONSTANTS_FCNTL] = fcntls,
	[SW_CONSTANTS_OPEN] = open_flags,  [SW_CONSTANTS_SHUTDOWN] = shutdowns, [SW_CONSTANTS_IOCTL] = ioctls,
	[SW_CONSTANTS_CLONE] = clones,     [SW_CONSTANTS_PRCTL] = prctls,
};

static bool name_is(const char *known, const char *name, size_t length)
{
	return strncmp(known, name, length) == 0 && known[length] == '\0';
}

bool sw_constant_number(enum sw_constants set, const char *name, size_t length, int64_t *number)
{
	/* Old headers say PF_ where the number is AF_'s. */
	char family[32];

	if (set == SW_CONSTANTS_FAMILY && length > 3 && length < sizeof family && name[0] == 'P') {
		memcpy(family, name, length);
		family[0] = 'A';
		name = family;
	}
	for (const struct constant *row = tables[set]; row->name; row++)
		if (name_is(row->name, name, length)) {
			*number = row->number;
			return true;
		}
	return false;
}

const char *sw_constant_name(enum sw_constants set, int64_t number)
{
	for (const struct constant *row = tables[set]; row->name; row++)
		if (row->number == number)
			return row->name;
	return NULL;
}

static bool word_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static const char *flag_parse(enum sw_constants set, const char *text, const char *end, uint64_t *flags, bool *unknown)
{
	const char *begin = text;
	char digits[32];
	int64_t number;

	while (text < end && word_byte(*text))
		text++;
	if (text == begin)
		return NULL;
	if (*begin >= '0' && *begin <= '9') {
		size_t length = (size_t)(text - begin) < sizeof digits - 1 ? (size_t)(text - begin) : sizeof digits - 1;

		memcpy(digits, begin, length);
		digits[length] = '\0';
		*flags |= strtoull(digits, NULL, 0);
	} else if (sw_constant_number(set, begin, (size_t)(text - begin), &number)) {
		*flags |= (uint64_t)number;
	} else if (unknown) {
		*unknown = true;
	}
	return text;
}

const char *sw_constants_parse(enum sw_constants set, const char *text, const char *end, uint64_t *flags, bool *unknown)
{
	const char *next;

	*flags = 0;
	while ((next = flag_parse(set, text, end, flags, unknown))) {
		text = next;
		if (text == end || *text != '|')
			break;
		text++;
	}
	return text;
}

void sw_constants_add(struct sw_out *out, enum sw_constants set, uint64_t flags)
{
	const char *bar = "";

	for (const struct constant *row = tables[set]; row->name; row++) {
		if (!row->number || (flags & (uint64_t)row->number) != (uint64_t)row->number)
			continue;
		sw_out_add(out, "%s%s", bar, row->name);
		flags &= ~(uint64_t)row->number;
		bar = "|";
	}
	if (flags)
		sw_out_add(out, "%s0x%llx", bar, (unsigned long long)flags);
	else if (!*bar)
		sw_out_string(out, "0");
}
