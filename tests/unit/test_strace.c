/* The strace reader: the forms that people have, and the same records from all of them. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/mem.h"
#include "tests/unit/test.h"
#include "tracer/strace/strace.h"
#include "tracer/strace/strace_state.h"

struct caught {
	char text[8192]; /* every call that ended, one a line, with thread and socket */
	struct sw_call last;
	struct sw_addr last_addr;
	struct sw_socket socket;
	struct sw_strace_summary summary;
	int enters, exits;
	int32_t code;
	char said[256]; /* facts, each behind a bar */
};

static void on_socket(void *context, const struct sw_socket *socket)
{
	((struct caught *)context)->socket = *socket;
}

static void on_enter(void *context, const struct sw_call *call)
{
	(void)call;
	((struct caught *)context)->enters++;
}

static void on_leave(void *context, const struct sw_call *call)
{
	struct caught *caught = context;
	size_t length = strlen(caught->text);
	char line[300];

	caught->last = *call;
	snprintf(caught->text + length, sizeof caught->text - length, "%u #%u %s\n", call->tid, call->socket,
		 sw_call_text(call, line, sizeof line));
}

static void on_process(void *context, const struct sw_process *process)
{
	struct caught *caught = context;

	if (process->event != SW_PROCESS_EXIT)
		return;
	caught->exits++;
	caught->code = process->code;
}

static void on_fact(void *context, const struct sw_fact *fact)
{
	struct caught *caught = context;
	size_t length = strlen(caught->said);

	if (strcmp(fact->kind, "said") == 0)
		snprintf(caught->said + length, sizeof caught->said - length, "|%s", sw_fact_text(fact, "text"));
	if (strcmp(fact->kind, "sandbox") == 0)
		snprintf(caught->said + length, sizeof caught->said - length, "|%u %s", fact->pid,
			 sw_fact_text(fact, "by"));
}

/* In pieces of `piece` bytes, so that lines are cut everywhere. */
static void read_pieces(const char *log, struct caught *caught, size_t piece)
{
	struct sw_trace_sink sink = {.context = caught,
				     .socket = on_socket,
				     .enter = on_enter,
				     .leave = on_leave,
				     .process = on_process,
				     .fact = on_fact};
	struct sw_strace *strace = sw_strace_new(&sink);
	struct sw_strace_log *reader = sw_strace_open(strace, 0);
	size_t length = strlen(log);

	memset(caught, 0, sizeof *caught);
	for (size_t at = 0; at < length; at += piece)
		sw_strace_feed(reader, log + at, length - at < piece ? length - at : piece);
	sw_strace_end(reader);
	sw_strace_summary(reader, &caught->summary);
	sw_strace_free(strace);
}

static void expect(const char *log, const char *text)
{
	struct caught whole, cut;

	read_pieces(log, &whole, strlen(log) + 1);
	assert_string_equal(whole.text, text);
	assert_int_equal(whole.summary.unread, 0);
	read_pieces(log, &cut, 7);
	assert_string_equal(cut.text, text);
}

#define ADDR "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.2\")}, 16)"

static void prefixes(void **unused)
{
	static const char *const forms[] = {"", "7 ", "7     ", "[pid     7] ", "7<curl> ", "[pid 7<curl>] "};
	static const char *const stamps[] = {"",
					     "20:58:10 ",
					     "20:58:10.877331 ",
					     "20:58:10.877331123 ",
					     "1795381090.877331 ",
					     "1795381090.877331123 ",
					     "1795381090 ",
					     "     0.000123 ",
					     "20:58:10 (+     0.000123) "};
	char log[600], want[200];

	(void)unused;
	for (size_t i = 0; i < SW_COUNT(forms); i++)
		for (size_t j = 0; j < SW_COUNT(stamps); j++)
			for (int crlf = 0; crlf < 2; crlf++) {
				const char *end = crlf ? "\r\n" : "\n";

				snprintf(log, sizeof log,
					 "%s%ssocket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3%s%s%sconnect(3, " ADDR
					 " = -1 ECONNREFUSED (Connexion refus\303\251e) <0.000021>%s",
					 forms[i], stamps[j], end, forms[i], stamps[j], end);
				snprintf(
					want, sizeof want,
					"%d #1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n%d #1 connect(3, 10.0.0.2:80) = -1 ECONNREFUSED\n",
					i ? 7 : 1, i ? 7 : 1);
				expect(log, want);
			}
}

static void unfinished(void **unused)
{
	(void)unused;
	expect("1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
	       "1 1.1 connect(3, "
	       "{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.2\")}, 16"
	       " <unfinished ...>\n"
	       "2 1.2 getpid() = 2\n"
	       "1 1.3 <... connect resumed>) = 0 <0.200000>\n"
	       "1 1.4 recvfrom(3,  <unfinished ...>\n"
	       "1 1.5 <... recvfrom resumed> \"abc\", 100, 0, NULL, NULL) = 3 <0.1>\n"
	       "1 1.6 +++ exited with 3 +++\n",
	       "1 #1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n1 #1 connect(3, 10.0.0.2:80) = 0\n1 #1 recvfrom(3, 100 bytes) = 3\n");
}

/* A line that is written in pieces is one fact, also when another thread writes meanwhile, and when it never ends. */
/* What -i, -n and --secontext put before a call, what -e write= and -C write behind calls. */
static void further_columns(void **unused)
{
	(void)unused;
	expect("7 20:58:10.877331 [00007f5c0e3a1b27] connect(3, " ADDR " = 0 <0.000030>\n"
	       "7 20:58:10.877431 [  42] connect(3, " ADDR " = 0 <0.000030>\n"
	       "7 [user_u:user_r:user_t:s0] 20:58:10.877531 connect(3 [user_t], " ADDR " = 0 <0.000030>\n",
	       "7 #1 connect(3, 10.0.0.2:80) = 0\n7 #1 connect(3, 10.0.0.2:80) = 0\n7 #1 connect(3, 10.0.0.2:80) = 0\n");
	expect("capget({version=_LINUX_CAPABILITY_VERSION_3, pid=7}, {effective=1<<CAP_CHOWN|1<<CAP_KILL, permitted=0}) = 0\n"
	       "connect(3, " ADDR " = 0\n"
	       " | 10000  68 65 6c 6c 6f 0a                                 hello.           |\n"
	       "write(3, \"hello\\n\", 6) = 6\n"
	       " | 00000  68 65 6c 6c 6f 0a                                 hello.           |\n"
	       "writev(3, [{iov_base=\"a\", iov_len=1}], 1) = 1\n"
	       " * 1 bytes in buffer 0\n"
	       "% time     seconds  usecs/call     calls    errors syscall\n"
	       "------ ----------- ----------- --------- --------- ----------------\n"
	       " 61.54    0.000032          16         2         1 connect\n"
	       "  0.00    0.000000           0         3           read\n"
	       "------ ----------- ----------- --------- --------- ----------------\n"
	       "100.00    0.000052           5        10         1 total\n",
	       "1 #1 connect(3, 10.0.0.2:80) = 0\n1 #1 write(3, 6 bytes) = 6\n1 #1 writev(3, 1 byte) = 1\n");
}

static void lines_said(void **unused)
{
	struct caught caught = {0};

	(void)unused;
	read_pieces("1 1.0 write(2, \"to 10.0\", 7) = 7\n"
		    "2 1.1 write(2, \"other\", 5) = 5\n"
		    "1 1.2 write(2, \".0.2\\nand\", 8) = 8\n"
		    "1 1.3 write(2, \" more\\n\", 6) = 6\n"
		    "1 1.4 +++ exited with 3 +++\n",
		    &caught, 1000);
	assert_string_equal(caught.said, "|to 10.0.0.2\nand more\n|other");
}

/* Told once a thread: by the call, or, in a log without it, by the end of the rules' descriptor. */
static void sandboxes(void **unused)
{
	struct caught caught = {0};

	(void)unused;
	read_pieces("1 1.0 landlock_create_ruleset({handled_access_fs=0}, 8, 0) = 3\n"
		    "1 1.1 landlock_restrict_self(3, 0) = -1 EPERM (Operation not permitted)\n"
		    "1 1.2 landlock_restrict_self(3, 0) = 0\n"
		    "1 1.3 close(3<anon_inode:[landlock-ruleset]>) = 0\n"
		    "1 1.5 close(3<socket:[77]>) = 0\n",
		    &caught, 1000);
	assert_string_equal(caught.said, "|1 landlock");
}

static void waits(void **unused)
{
	(void)unused;
	expect("socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
	       "poll([{fd=3, events=POLLIN|POLLOUT}, {fd=9, events=POLLIN}], 2, 1000) = 1 ([{fd=3, revents=POLLOUT|POLLERR}])\n"
	       "ppoll([{fd=3, events=POLLIN}], 1, {tv_sec=1, tv_nsec=500000000}, NULL, 8) = 0 (Timeout)\n"
	       "select(4, [3], [3], NULL, {tv_sec=0, tv_usec=200000}) = 1 (out [3], left {tv_sec=0, tv_usec=1})\n"
	       "select(4, [3], NULL, NULL, {1, 0}) = 0 (Timeout)\n"
	       "epoll_create1(EPOLL_CLOEXEC) = 4\n"
	       "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=77, u64=77}}) = 0\n"
	       "epoll_wait(4, [{events=EPOLLIN, data={u32=77, u64=77}}], 16, -1) = 1\n"
	       "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0\n"
	       "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, \"\\3\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\", 16) = 0\n",
	       "1 #1 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
	       "1 #0 poll([3 IN|OUT, 9 IN], 1000 ms) = 1 [3 OUT|ERR]\n"
	       "1 #0 ppoll([3 IN], 1500 ms) = 0 (timeout)\n"
	       "1 #0 select([3 IN|OUT], 200 ms) = 1 [3 OUT]\n"
	       "1 #0 select([3 IN], 1000 ms) = 0 (timeout)\n"
	       "1 #2 epoll_create1() = 4\n"
	       "1 #2 epoll_ctl(4, EPOLL_CTL_ADD, 3, IN) = 0\n"
	       "1 #2 epoll_wait(4, no timeout) = 1 [3 IN]\n"
	       "1 #1 getsockopt(3, SO_ERROR) = ECONNREFUSED\n"
	       "1 #1 setsockopt(3, SO_RCVTIMEO, 3.0 s) = 0\n");
}

static void identity_without_notes(void **unused)
{
	(void)unused;
	/* A descriptor's number comes back for another socket; a dup leads to the same; a file's read is nobody's. */
	expect("socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
	       "dup(3) = 5\nclose(3) = 0\nread(3, \"x\", 1) = 1\nwrite(5, \"x\", 1) = 1\n"
	       "socket(AF_INET, SOCK_DGRAM, 0) = 3\nwrite(3, \"x\", 1) = 1\n",
	       "1 #1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n1 #1 dup(3) = 5\n1 #1 close(3) = 0\n1 #1 write(5, 1 byte) = 1\n"
	       "1 #2 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3\n1 #2 write(3, 1 byte) = 1\n");
}

static void notes(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces("9 1.0 write(4<TCP:[10.0.0.1:4001->10.0.0.2:80]>, \"x\", 1) = 1\n"
		    "9 1.1 read(5</tmp/a-\\74b->, \"x\", 1) = 1\n"
		    "8 1.2 read(7<TCP:[10.0.0.1:4001->10.0.0.2:80]>, \"\", 1) = 0\n",
		    &caught, 1000);
	assert_string_equal(caught.text, "9 #1 write(4, 1 byte) = 1\n8 #1 read(7, 1 byte) = 0\n");
	assert_int_equal(caught.socket.local.endpoint.port, 4001);
	assert_int_equal(caught.socket.remote.endpoint.port, 80);
	assert_int_equal(caught.socket.protocol, IPPROTO_TCP);
	assert_true(caught.summary.addresses);
}

/* No line says how 8 came to be: it is taken for a thread of 9, until it closes what 9 has closed. What 8 closes then is not 9's. */
static void closed_by_both(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces(
		"9 1.0 socketpair(AF_UNIX, SOCK_STREAM, 0, [3<UNIX-STREAM:[11->12]>, 4<UNIX-STREAM:[12->11]>]) = 0\n"
		"8 1.1 dup2(3<UNIX-STREAM:[11->12]>, 0) = 0<UNIX-STREAM:[11->12]>\n"
		"9 1.2 close(3<UNIX-STREAM:[11->12]>) = 0\n"
		"8 1.3 close(3<UNIX-STREAM:[11->12]>) = 0\n8 1.4 close(4<UNIX-STREAM:[12->11]>) = 0\n"
		"9 1.5 write(4<UNIX-STREAM:[12->11]>, \"x\", 1) = 1\n",
		&caught, 1000);
	assert_non_null(strstr(caught.text, "9 #2 write(4, 1 byte) = 1\n"));
	assert_true(caught.socket.id <= 2); /* no third was made up */
}

/* 8 is taken for a thread of 9 and closes its copies; what 9 goes on with is still what it was. */
static void closed_by_child(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces(
		"9 1.0 socketpair(AF_UNIX, SOCK_STREAM, 0, [3<UNIX-STREAM:[11->12]>, 4<UNIX-STREAM:[12->11]>]) = 0\n"
		"8 1.1 close(4<UNIX-STREAM:[12->11]>) = 0\n"
		"9 1.2 write(4<UNIX-STREAM:[12->11]>, \"x\", 1) = 1\n",
		&caught, 1000);
	assert_true(caught.socket.flags & SW_SOCKET_PAIR);
	read_pieces(
		"9 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3<TCP:[11]>\n"
		"9 1.1 bind(3<TCP:[11]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0\n"
		"9 1.2 listen(3<TCP:[0.0.0.0:80]>, 5) = 0\n8 1.3 close(3<TCP:[0.0.0.0:80]>) = 0\n"
		"9 1.4 accept(3<TCP:[0.0.0.0:80]>, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n",
		&caught, 1000);
	assert_true(caught.socket.flags & SW_SOCKET_LISTENING);
}

/* -e trace=network: no fork is told of, and the parent closes what it has left to its child before the child is known. */
static void left_to_a_child(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces(
		"10 1795452000.1 accept(3<TCP:[10.0.0.1:80]>, NULL, NULL) = 4<TCP:[10.0.0.1:80->10.0.0.2:4001]> <0.1>\n"
		"10 1795452000.3 close(4<TCP:[10.0.0.1:80->10.0.0.2:4001]>) = 0 <0.00001>\n"
		"11 1795452000.4 read(0<TCP:[10.0.0.1:80->10.0.0.2:4001]>, \"x\", 10) = 1 <0.00001>\n",
		&caught, 1000);
	assert_true(caught.socket.flags & SW_SOCKET_ACCEPTED);
	read_pieces(
		"10 1795452000.1 socketpair(AF_UNIX, SOCK_STREAM, 0, [3<UNIX-STREAM:[7->8]>, 4<UNIX-STREAM:[8->7]>]) = 0 <0.1>\n"
		"10 1795452000.3 close(3<UNIX-STREAM:[7->8]>) = 0 <0.00001>\n"
		"11 1795452000.4 read(0<UNIX-STREAM:[7->8]>, \"x\", 10) = 1 <0.00001>\n",
		&caught, 1000);
	assert_true(caught.socket.flags & SW_SOCKET_PAIR);
}

static void interrupted(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces(
		"1 1000000001.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
		"1 1000000002.0 poll([{fd=3, events=POLLIN}], 1, 5000) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)\n"
		"1 1000000003.0 --- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=1, si_uid=0} ---\n"
		"1 1000000004.0 restart_syscall(<... resuming interrupted poll ...>) = 0 (Timeout) <3.0>\n"
		"1 1000000008.0 +++ exited with 0 +++\n",
		&caught, 1000);
	assert_int_equal(caught.last.enter_ns, INT64_C(1000000002) * SW_NS_PER_S);
	assert_int_equal(caught.last.exit_ns, INT64_C(1000000007) * SW_NS_PER_S);
	assert_int_equal(caught.last.flags & SW_CALL_RESTARTED, SW_CALL_RESTARTED);
	assert_int_equal(caught.last.sys, SW_SYS_POLL);
	assert_int_equal(caught.enters, 2);
}

static void unread_is_counted(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces("socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\nhello there\nclose(3) = 0\nconnect(3, {sa_fam",
		    &caught, 1000);
	assert_int_equal(caught.summary.unread, 2);
	assert_int_equal(caught.summary.unread_lines[0], 2);
	assert_int_equal(caught.summary.unread_lines[1], 4);
	assert_string_equal(caught.summary.unread_text, "hello there");
	/* The program's output in the middle of a line. */
	read_pieces(
		"socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\nwrite(3, \"hi\\n\", 3hi\n)                     = 3\n",
		&caught, 1000);
	assert_int_equal(caught.summary.unread, 0);
	assert_int_equal(caught.last.sys, SW_SYS_WRITE);
	assert_int_equal(caught.last.result, 3);
}

static void whole_seconds_stay_in_order(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces("1 20:00:00 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.4>\n1 20:00:00 close(3) = 0 <0.1>\n",
		    &caught, 1000);
	assert_int_equal(caught.last.enter_ns % SW_NS_PER_S, 400 * SW_NS_PER_MS);
	assert_int_equal(caught.last.exit_ns % SW_NS_PER_S, 500 * SW_NS_PER_MS);
}

#define EXEC "1 1.9 execve(\"/bin/x\", [\"x\"], 0x7ffc /* 9 vars */) = 0\n"

static void exec_closes(void **unused)
{
	static const struct {
		const char *makes, *then;
		bool gone; /* at the exec */
	} rows[] = {
		{"1 1.0 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n", "", true},
		{"1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n", "", false},
		{"1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n", "1 1.1 fcntl(3, F_SETFD, FD_CLOEXEC) = 0\n",
		 true},
		{"1 1.0 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n",
		 "1 1.1 fcntl(3, F_SETFD, 0) = 0\n", false},
		{"1 1.0 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n", "1 1.1 dup(3) = 4\n", false},
		{"1 1.0 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n",
		 "1 1.1 fcntl(3, F_DUPFD_CLOEXEC, 9) = 9\n", true},
		{"1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n",
		 "1 1.1 close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC) = 0\n", true},
	};
	struct caught caught;
	char log[1000];

	(void)unused;
	for (size_t i = 0; i < SW_COUNT(rows); i++) {
		snprintf(log, sizeof log, "1 0.5 execve(\"/bin/a\", [\"a\"], 0x7ffc /* 9 vars */) = 0\n%s%s" EXEC,
			 rows[i].makes, rows[i].then);
		read_pieces(log, &caught, 1000);
		if (!!(caught.socket.flags & SW_SOCKET_GONE) != rows[i].gone)
			fail_msg("%s", log);
		assert_int_equal(caught.summary.unread, 0);
	}
	/* What went is unknown afterwards; what stayed is the same. */
	expect("1 0.5 execve(\"/bin/a\", [\"a\"], 0x7ffc /* 9 vars */) = 0\n"
	       "1 1.0 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n"
	       "1 1.1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4\n" EXEC
	       "1 2.0 recvfrom(3, \"\", 9, 0, NULL, NULL) = 0\n"
	       "1 2.1 recvfrom(4, \"\", 9, 0, NULL, NULL) = 0\n",
	       "1 #1 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3\n"
	       "1 #2 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4\n"
	       "1 #3 recvfrom(3, 9 bytes) = 0\n1 #2 recvfrom(4, 9 bytes) = 0\n");
}

#define RIGHTS(fd)                                                                                                        \
	"{msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, " \
	"cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[" fd "]}], msg_controllen=24, msg_flags=0}, "

/* A descriptor that is passed on is the same socket, whatever its number there; its sender's close is not its end. */
static void handed_on(void **unused)
{
	struct caught caught;

	(void)unused;
	read_pieces(
		"1 1.0 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0\n"
		"1 1.1 clone(child_stack=NULL, flags=SIGCHLD) = 2\n"
		"1 1.2 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5\n"
		"1 1.3 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 6\n"
		"1 1.4 sendmsg(3, " RIGHTS("5, 6") "0) = 1\n"
						   "1 1.5 close(5) = 0\n"
						   "2 1.6 recvmsg(4, " RIGHTS("9, 7") "MSG_CMSG_CLOEXEC) = 1\n"
										      "2 1.7 connect(9, " ADDR " = 0\n"
										      "2 1.8 connect(7, " ADDR " = 0\n"
										      "2 1.9 close(9) = 0\n",
		&caught, 1000);
	assert_int_equal(caught.summary.unread, 0);
	assert_non_null(strstr(caught.text, "1 #3 close(5) = 0"));
	assert_non_null(strstr(caught.text, "2 #3 connect(9, 10.0.0.2:80) = 0"));
	assert_non_null(strstr(caught.text, "2 #4 connect(7, 10.0.0.2:80) = 0"));
	assert_true(caught.last.flags & SW_CALL_LAST_CLOSE);
	/* With -yy both ends say what it is; a receiver that is not traced may keep it. */
	read_pieces("1 1.2 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5<TCP:[77]>\n"
		    "1 1.4 sendmsg(3<UNIX-STREAM:[5->6]>, " RIGHTS("5<TCP:[77]>") "0) = 1\n"
										  "1 1.5 close(5<TCP:[77]>) = 0\n",
		    &caught, 1000);
	assert_false(caught.last.flags & SW_CALL_LAST_CLOSE);
	assert_true(caught.last.flags & SW_CALL_SHARED_CLOSE);
}

/* A call of the table without a decoder would be lost in silence. */
static void every_call_is_decoded(void **unused)
{
	(void)unused;
	for (enum sw_sys sys = SW_SYS_NONE + 1; sys < SW_SYS_COUNT; sys++)
		if (sys != SW_SYS_RESTART_SYSCALL && sys != SW_SYS_SOCKETCALL && !strace_decoder(sys))
			fail_msg("%s has no decoder", sw_sys_name(sys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(unfinished),
		cmocka_unit_test(lines_said),
		cmocka_unit_test(further_columns),
		cmocka_unit_test(waits),
		cmocka_unit_test(identity_without_notes),
		cmocka_unit_test(notes),
		cmocka_unit_test(closed_by_both),
		cmocka_unit_test(closed_by_child),
		cmocka_unit_test(left_to_a_child),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(unread_is_counted),
		cmocka_unit_test(whole_seconds_stay_in_order),
		cmocka_unit_test(every_call_is_decoded),
		cmocka_unit_test(exec_closes),
		cmocka_unit_test(handed_on),
		cmocka_unit_test(sandboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
