/* The identity of descriptors, held against real sockets of this process and of its children. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tracer/kernel/identity.h"

struct seen {
	struct sw_socket sockets[64];
	size_t socket_count;
	char kinds[64][32];
	int64_t netns_number, netns_inode, queue, backlog;
	char state[32];
	size_t fact_count, limit_count;
};

static void on_socket(void *context, const struct sw_socket *socket)
{
	struct seen *seen = context;
	seen->sockets[seen->socket_count++ % 64] = *socket;
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct seen *seen = context;
	strncpy(seen->kinds[seen->fact_count++ % 64], fact->kind, 31);
	if (!strcmp(fact->kind, "netns")) {
		seen->netns_number = sw_fact_number(fact, "number", -1);
		seen->netns_inode = sw_fact_number(fact, "inode", -1);
	}
	if (!strcmp(fact->kind, "listener")) {
		seen->queue = sw_fact_number(fact, "queue", -1);
		seen->backlog = sw_fact_number(fact, "backlog", -1);
	}
	if (!strcmp(fact->kind, "tcp-info"))
		strncpy(seen->state, sw_fact_text(fact, "state"), 31);
}

static void on_limit(void *context, const struct sw_limit *limit)
{
	(void)limit;
	((struct seen *)context)->limit_count++;
}

struct bench {
	struct seen seen;
	struct sw_trace_sink sink;
	struct sw_identity *identity;
};

static struct bench *bench_new(unsigned switches)
{
	struct bench *bench = calloc(1, sizeof *bench);
	bench->sink = (struct sw_trace_sink){
		.context = &bench->seen, .socket = on_socket, .fact = on_fact, .limit = on_limit};
	bench->identity = sw_identity_new(&bench->sink, switches);
	return bench;
}

static void bench_free(struct bench *bench)
{
	sw_identity_free(bench->identity);
	free(bench);
}

static int listen_on_loopback(struct sockaddr_in *address, int backlog)
{
	socklen_t length = sizeof *address;
	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
	return fd;
}

static uint64_t inode_of(int fd)
{
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

/* A connection over loopback is told whole, whichever way the kernel may be asked. */
static void connection(unsigned switches)
{
	struct bench *bench = bench_new(switches);
	struct sockaddr_in address;
	pid_t self = getpid();
	int listener = listen_on_loopback(&address, 5);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);

	uint32_t id = sw_identity_object(bench->identity, self, self, client);
	uint32_t listening = sw_identity_object(bench->identity, self, self, listener);
	assert_true(id && listening && id != listening);
	assert_true(sw_identity_refresh(bench->identity, self, self, client, id, SW_DETAIL_TCP_INFO));
	const struct sw_socket *socket = sw_identity_socket(bench->identity, id);
	assert_int_equal(socket->domain, AF_INET);
	assert_int_equal(socket->type, SOCK_STREAM);
	assert_int_equal(socket->protocol, IPPROTO_TCP);
	assert_int_equal(socket->netns, 0);
	assert_int_equal(socket->inode, inode_of(client));
	assert_int_not_equal(socket->cookie, 0);
	assert_int_equal(socket->remote.endpoint.port, ntohs(address.sin_port));
	assert_true(sw_ip_is_loopback(&socket->local.endpoint.ip));
	assert_string_equal(bench->seen.state, "established");
	assert_true(sw_identity_refresh(bench->identity, self, self, listener, listening, SW_DETAIL_TCP_INFO));
	assert_true(sw_identity_socket(bench->identity, listening)->flags & SW_SOCKET_LISTENING);
	assert_int_equal(bench->seen.queue, 1);
	assert_int_equal(bench->seen.backlog, 5);
	close(client);
	close(listener);
	bench_free(bench);
}

static void test_connection_by_getfd(void **state)
{
	(void)state;
	connection(SW_NO_DIAG);
}

static void test_connection_by_diag(void **state)
{
	(void)state;
	connection(SW_NO_GETFD);
}

static void test_cache_is_dropped(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t first = sw_identity_object(bench->identity, self, self, fd);
	assert_int_not_equal(first, 0);
	close(fd);
	int file = open("/dev/null", O_RDONLY);
	assert_int_equal(file, fd);
	/* not told of the close: remembered */
	assert_int_equal(sw_identity_object(bench->identity, self, self, fd), first);
	assert_int_equal(sw_identity_verify(bench->identity, self, self, fd), 0);
	sw_identity_closed(bench->identity, self, fd);
	close(file);
	assert_int_equal(sw_identity_object(bench->identity, self, self, fd), 0); /* no descriptor: not remembered */
	int again = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(again, fd);
	uint32_t second = sw_identity_made(bench->identity, self, self, again);
	assert_true(second && second != first);
	int high = fcntl(again, F_DUPFD, 900);
	assert_int_equal(sw_identity_duplicated(bench->identity, self, self, again, high), second);
	assert_int_equal(sw_identity_verify(bench->identity, self, self, high), second);
	sw_identity_closed_range(bench->identity, self, 800, UINT_MAX);
	close(high);
	assert_int_equal(sw_identity_object(bench->identity, self, self, high), 0);
	close(again);
	bench_free(bench);
}

static void test_fork_and_last_close(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	struct sw_identity *identity = bench->identity;
	pid_t self = getpid();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t id = sw_identity_made(identity, self, self, fd);
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	sw_identity_forked(identity, self, child);
	assert_int_equal(sw_identity_object(identity, child, child, fd), id);
	assert_int_equal(sw_identity_last(identity, self, self, fd, id), SW_CALL_SHARED_CLOSE);
	sw_identity_closed(identity, child, fd); /* must not touch what the parent is known to have */
	assert_int_equal(sw_identity_last(identity, child, child, -1, id), 0);
	sw_identity_ended(identity, child);
	assert_int_equal(sw_identity_last(identity, self, self, fd, id), SW_CALL_LAST_CLOSE);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	bench_free(bench);
}

/* After an exec the descriptors without close-on-exec are still there, though nobody asked for them yet. */
static void test_exec_keeps_descriptors(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid();
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	uint32_t id = sw_identity_made(bench->identity, self, self, fd);
	pid_t child = fork();
	if (child == 0) {
		execlp("sleep", "sleep", "20", NULL);
		_exit(127);
	}
	close(ready[1]);
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 0); /* closed by the exec */
	close(ready[0]);
	sw_identity_forked(bench->identity, self, child);
	sw_identity_exec(bench->identity, child);
	assert_int_equal(sw_identity_last(bench->identity, self, self, fd, id), SW_CALL_SHARED_CLOSE);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	bench_free(bench);
}

static const struct sw_socket *last_said(const struct bench *bench)
{
	return &bench->seen.sockets[(bench->seen.socket_count - 1) % 64];
}

/* The parent closes first: the child's end is the socket's. */
static void test_goes_with_its_process(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid(), child;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t id = sw_identity_made(bench->identity, self, self, fd);
	assert_int_not_equal(sw_identity_made(bench->identity, self, self, other), 0);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	sw_identity_forked(bench->identity, self, child);
	assert_int_equal(sw_identity_last(bench->identity, self, self, fd, id), SW_CALL_SHARED_CLOSE);
	sw_identity_closed(bench->identity, self, fd);
	close(fd);
	size_t before = bench->seen.socket_count;
	sw_identity_ended(bench->identity, child);
	assert_int_equal(bench->seen.socket_count, before + 1); /* the other one is held by us */
	assert_int_equal(last_said(bench)->id, id);
	assert_true(last_said(bench)->flags & SW_SOCKET_GONE);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(other);
	bench_free(bench);
}

/* What came before its birth was told has been asked itself: the parent's table says less. */
static void test_met_before_its_birth(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid(), child;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ready[2];
	uint32_t id = sw_identity_made(bench->identity, self, self, fd);
	char byte;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		close(fd);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(sw_identity_object(bench->identity, child, child, fd), 0);
	sw_identity_forked(bench->identity, self, child);
	assert_int_equal(sw_identity_object(bench->identity, child, child, fd), 0);
	assert_int_equal(sw_identity_last(bench->identity, self, self, fd, id), SW_CALL_LAST_CLOSE);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
	bench_free(bench);
}

/* Closed without a word, ten thousand times: what nobody holds is forgotten, what somebody holds is not. */
static void test_forgets_what_nobody_holds(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid();
	int kept = socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t first = sw_identity_made(bench->identity, self, self, kept), known = 0, last = 0;
	for (int i = 0; i < 10000; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		last = sw_identity_made(bench->identity, self, self, fd);
		sw_identity_closed(bench->identity, self, fd);
		close(fd);
	}
	for (uint32_t id = 1; id <= last; id++)
		known += sw_identity_socket(bench->identity, id) != NULL;
	assert_in_range(known, 1, 5000);
	assert_int_equal(sw_identity_object(bench->identity, self, self, kept), first);
	assert_non_null(sw_identity_socket(bench->identity, first));
	close(kept);
	bench_free(bench);
}

static void test_epolls_are_told_apart(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	pid_t self = getpid();
	int one = epoll_create1(0), two = epoll_create1(0);
	uint32_t first = sw_identity_epoll_created(bench->identity, self, one);
	uint32_t second = sw_identity_epoll_created(bench->identity, self, two);
	assert_true(first && second && first != second);
	int copy = dup(two);
	assert_int_equal(sw_identity_object(bench->identity, self, self, copy), second); /* by kcmp */
	assert_int_equal(sw_identity_socket(bench->identity, second)->kind, SW_OBJECT_EPOLL);
	sw_identity_closed(bench->identity, self, one);
	close(one);
	one = epoll_create1(0);
	uint32_t third = sw_identity_object(bench->identity, self, self, one);
	assert_true(third && third != first && third != second);
	close(one);
	close(two);
	close(copy);
	bench_free(bench);
}

static void test_failed_connect_keeps_addresses(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	struct sockaddr_in address;
	pid_t self = getpid();
	close(listen_on_loopback(&address, 1));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint32_t id = sw_identity_made(bench->identity, self, self, fd);
	struct sw_call call = {.sys = SW_SYS_CONNECT, .socket = id, .fd = fd, .exit_ns = SW_TIME_NONE};
	sw_addr_from_sockaddr(&call.addr, &address, sizeof address);
	sw_identity_learn(bench->identity, id, &call);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
	assert_true(sw_identity_refresh(bench->identity, self, self, fd, id, SW_DETAIL_TCP_INFO));
	const struct sw_socket *socket = sw_identity_socket(bench->identity, id);
	assert_int_equal(socket->remote.endpoint.port, ntohs(address.sin_port));
	assert_int_not_equal(socket->local.endpoint.port, 0);
	assert_string_equal(bench->seen.state, "close");
	close(fd);
	bench_free(bench);
}

/* A process that is not dumpable, asked by somebody without privilege: objects are made up, and the calls say what
 * they are. */
static void test_refused_by_the_process(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(ready[1], &fd, sizeof fd);
		pause();
		_exit(0);
	}
	int fd;
	assert_int_equal(read(ready[0], &fd, sizeof fd), sizeof fd);
	pid_t asker = fork();
	if (asker == 0) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		struct bench *bench = bench_new(0);
		bool right = sw_identity_object(bench->identity, child, child, fd) == 0;
		uint32_t id = sw_identity_made(bench->identity, child, child, fd);
		struct sw_call call = {
			.sys = SW_SYS_SOCKET, .request = AF_INET, .level = SOCK_STREAM | SOCK_CLOEXEC, .socket2 = id};
		sw_identity_learn(bench->identity, id, &call);
		const struct sw_socket *socket = sw_identity_socket(bench->identity, id);
		right = right && id && socket->domain == AF_INET && socket->type == SOCK_STREAM &&
			socket->protocol == IPPROTO_TCP;
		right = right && bench->seen.limit_count == 1 &&
			sw_identity_verify(bench->identity, child, child, fd) == id;
		bench_free(bench);
		_exit(right ? 0 : 1);
	}
	int status;
	waitpid(asker, &status, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(status, 0);
}

/* A child in a namespace of its own: its sockets carry another number, said once with its inode. */
static void test_namespace(void **state)
{
	(void)state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = -1;
		if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
			fd = socket(AF_INET, SOCK_STREAM, 0);
		(void)!write(ready[1], &fd, sizeof fd);
		pause();
		_exit(0);
	}
	int fd;
	assert_int_equal(read(ready[0], &fd, sizeof fd), sizeof fd);
	if (fd >= 0) {
		struct bench *bench = bench_new(0);
		assert_int_equal(sw_identity_netns(bench->identity, getpid(), getpid()), 0);
		uint32_t id = sw_identity_object(bench->identity, child, child, fd);
		assert_int_equal(sw_identity_socket(bench->identity, id)->netns, 1);
		assert_int_equal(sw_identity_netns(bench->identity, child, child), 1);
		assert_int_equal(bench->seen.netns_number, 1);
		assert_int_equal(bench->seen.fact_count, 1);
		assert_true(bench->seen.netns_inode > 0);
		bench_free(bench);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	if (fd < 0)
		skip();
}

/* The duplicate of a socket with SO_LINGER must not be what the tool waits for. */
static void test_linger_does_not_hold(void **state)
{
	(void)state;
	struct bench *bench = bench_new(0);
	struct sockaddr_in address;
	pid_t self = getpid();
	int listener = listen_on_loopback(&address, 5), fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	struct linger linger = {1, 5};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	int64_t begin = sw_clock_monotonic();
	assert_int_not_equal(sw_identity_object(bench->identity, self, self, fd), 0);
	assert_true(sw_clock_monotonic() - begin < SW_NS_PER_S);
	close(listener);
	close(fd);
	bench_free(bench);
}

/* Nor must it outlive the question: the program's close would not be the last, and its reset would come late. */
static void test_abort_is_the_programs(void **state)
{
	const struct linger linger = {1, 0};
	char byte;
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct bench *bench = bench_new(0);
		struct sockaddr_in address;
		int listener = listen_on_loopback(&address, 5), fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
		int peer = accept(listener, NULL, NULL);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
		uint32_t id = sw_identity_object(bench->identity, getpid(), getpid(), fd);
		sw_identity_refresh(bench->identity, getpid(), getpid(), fd, id, SW_DETAIL_TCP_INFO);
		close(fd);
		/* over loopback it is there when close() returns */
		assert_true(recv(peer, &byte, 1, MSG_DONTWAIT) == -1 && errno == ECONNRESET);
		close(peer), close(listener);
		bench_free(bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_by_getfd),    cmocka_unit_test(test_connection_by_diag),
		cmocka_unit_test(test_cache_is_dropped),       cmocka_unit_test(test_fork_and_last_close),
		cmocka_unit_test(test_exec_keeps_descriptors), cmocka_unit_test(test_goes_with_its_process),
		cmocka_unit_test(test_met_before_its_birth),   cmocka_unit_test(test_forgets_what_nobody_holds),
		cmocka_unit_test(test_epolls_are_told_apart),  cmocka_unit_test(test_failed_connect_keeps_addresses),
		cmocka_unit_test(test_refused_by_the_process), cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_linger_does_not_hold),   cmocka_unit_test(test_abort_is_the_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
