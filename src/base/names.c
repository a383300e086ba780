/* Names of numbers, both ways. Numbers without a name still get a text, so that nothing is ever printed as NULL. */
#include "src/base/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"

struct name {
	int number;
	const char *name;
};

/* include/linux/errno.h: never seen by a program, but by a tracer, and strace prints them. */
static const struct name kernel_errors[] = {
	{512, "ERESTARTSYS"}, {513, "ERESTARTNOINTR"},        {514, "ERESTARTNOHAND"},
	{515, "ENOIOCTLCMD"}, {516, "ERESTART_RESTARTBLOCK"}, {524, "ENOTSUPP"},
};

static const struct name other_errors[] = {
	{EAGAIN, "EWOULDBLOCK"},
	{EDEADLK, "EDEADLOCK"},
	{EOPNOTSUPP, "ENOTSUP"},
};

static const struct name families[] = {
	{AF_UNSPEC, "AF_UNSPEC"},   {AF_UNIX, "AF_UNIX"},
	{AF_INET, "AF_INET"},       {AF_AX25, "AF_AX25"},
	{AF_IPX, "AF_IPX"},         {AF_INET6, "AF_INET6"},
	{AF_KEY, "AF_KEY"},         {AF_NETLINK, "AF_NETLINK"},
	{AF_PACKET, "AF_PACKET"},   {AF_RDS, "AF_RDS"},
	{AF_PPPOX, "AF_PPPOX"},     {AF_CAN, "AF_CAN"},
	{AF_TIPC, "AF_TIPC"},       {AF_BLUETOOTH, "AF_BLUETOOTH"},
	{AF_RXRPC, "AF_RXRPC"},     {AF_PHONET, "AF_PHONET"},
	{AF_ALG, "AF_ALG"},         {AF_NFC, "AF_NFC"},
	{AF_VSOCK, "AF_VSOCK"},     {AF_KCM, "AF_KCM"},
	{AF_QIPCRTR, "AF_QIPCRTR"}, {AF_SMC, "AF_SMC"},
	{AF_XDP, "AF_XDP"},
};

static const struct name protocols[] = {
	{IPPROTO_IP, "ip"},           {IPPROTO_ICMP, "icmp"},     {IPPROTO_IGMP, "igmp"},
	{IPPROTO_TCP, "tcp"},         {IPPROTO_UDP, "udp"},       {IPPROTO_DCCP, "dccp"},
	{IPPROTO_IPV6, "ipv6"},       {IPPROTO_GRE, "gre"},       {IPPROTO_ESP, "esp"},
	{IPPROTO_AH, "ah"},           {IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_SCTP, "sctp"},
	{IPPROTO_UDPLITE, "udplite"}, {IPPROTO_RAW, "raw"},       {262, "mptcp"},
};

static const char *find_name(const struct name *names, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

static int find_number(const struct name *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	return 0;
}

const char *sw_errno_name(int error)
{
	static _Thread_local char unnamed[16];
	const char *name = error > 0 ? strerrorname_np(error) : NULL;

	if (error == 0)
		return "0";
	if (!name)
		name = find_name(kernel_errors, SW_COUNT(kernel_errors), error);
	if (name)
		return name;
	snprintf(unnamed, sizeof unnamed, "E%d", error);
	return unnamed;
}

int sw_errno_number(const char *name)
{
	int number = find_number(kernel_errors, SW_COUNT(kernel_errors), name);

	if (!number)
		number = find_number(other_errors, SW_COUNT(other_errors), name);
	for (int error = 1; !number && error <= EHWPOISON; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0)
			number = error;
	}
	return number;
}

const char *sw_signal_name(int signal)
{
	static _Thread_local char name[24];
	const char *short_name = signal > 0 ? sigabbrev_np(signal) : NULL;

	if (short_name)
		snprintf(name, sizeof name, "SIG%s", short_name);
	else if (signal == SIGRTMIN)
		snprintf(name, sizeof name, "SIGRTMIN");
	else if (signal > SIGRTMIN && signal <= SIGRTMAX)
		snprintf(name, sizeof name, "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		snprintf(name, sizeof name, "SIG%d", signal);
	return name;
}

const char *sw_family_name(int family)
{
	static _Thread_local char unnamed[16];
	const char *name = find_name(families, SW_COUNT(families), family);

	if (name)
		return name;
	snprintf(unnamed, sizeof unnamed, "AF_%d", family);
	return unnamed;
}

const char *sw_protocol_name(int protocol)
{
	static _Thread_local char unnamed[24];
	const char *name = find_name(protocols, SW_COUNT(protocols), protocol);

	if (name)
		return name;
	snprintf(unnamed, sizeof unnamed, "protocol-%d", protocol);
	return unnamed;
}
