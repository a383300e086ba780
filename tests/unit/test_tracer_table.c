/* The table of calls, their numbers on each architecture, the filter, the tracees and the epoll sets. */
#include <linux/audit.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tracer/engine/decode.h"
#include "tracer/engine/epolls.h"
#include "tracer/engine/filter.h"
#include "tracer/engine/tracee.h"

static enum sw_sys by_name(const char *name)
{
	return sw_sys_by_name(name, strlen(name));
}

static void names_lead_back(void **state)
{
	(void)state;
	for (enum sw_sys sys = SW_SYS_NONE + 1; sys < SW_SYS_COUNT; sys++) {
		assert_int_equal(by_name(sw_sys_name(sys)), sys);
		assert_int_not_equal(sw_sys_class(sys), SW_SYS_CLASS_NONE);
	}
	assert_int_equal(by_name("_newselect"), SW_SYS_SELECT);
	assert_int_equal(by_name("recv"), SW_SYS_RECVFROM);
	assert_int_equal(by_name("openat"), SW_SYS_NONE);
	assert_int_equal(sw_sys_by_name("connect(", 7), SW_SYS_CONNECT);
	assert_string_equal(sw_sys_name((enum sw_sys)9999), "?");
}

static enum sw_sys number(uint32_t arch, uint64_t nr, enum sw_abi want)
{
	enum sw_abi abi;
	enum sw_sys sys = sw_number_of(arch, nr, &abi).sys;

	assert_int_equal(abi, want);
	return sys;
}

static void numbers_of_each_architecture(void **state)
{
	enum sw_abi abi;

	(void)state;
	assert_int_equal(number(AUDIT_ARCH_X86_64, SYS_connect, SW_ABI_NATIVE), SW_SYS_CONNECT);
	assert_int_equal(number(AUDIT_ARCH_X86_64, SYS_getppid, SW_ABI_NATIVE), SW_SYS_NONE);
	assert_int_equal(number(AUDIT_ARCH_X86_64, 0x40000000u + 42, SW_ABI_X32), SW_SYS_CONNECT);
	assert_int_equal(number(AUDIT_ARCH_X86_64, 0x40000000u + 517, SW_ABI_X32), SW_SYS_RECVFROM);
	assert_int_equal(number(AUDIT_ARCH_I386, 102, SW_ABI_I386), SW_SYS_SOCKETCALL);
	assert_int_equal(number(AUDIT_ARCH_I386, 362, SW_ABI_I386), SW_SYS_CONNECT);
	assert_int_equal(number(AUDIT_ARCH_I386, 345, SW_ABI_I386), SW_SYS_SENDMMSG);
	assert_int_equal(number(AUDIT_ARCH_I386, 337, SW_ABI_I386), SW_SYS_RECVMMSG);
	assert_int_equal(number(AUDIT_ARCH_I386, 364, SW_ABI_I386), SW_SYS_ACCEPT4);
	assert_int_equal(number(AUDIT_ARCH_I386, 82, SW_ABI_I386), SW_SYS_SELECT);
	assert_int_equal(number(AUDIT_ARCH_I386, 142, SW_ABI_I386), SW_SYS_SELECT);
	assert_int_equal(number(AUDIT_ARCH_I386, UINT64_MAX, SW_ABI_I386), SW_SYS_NONE);
	assert_false(sw_number_of(AUDIT_ARCH_I386, 309, &abi).wide_time); /* ppoll */
	assert_true(sw_number_of(AUDIT_ARCH_I386, 414, &abi).wide_time); /* ppoll_time64 */
	assert_true(sw_number_of(AUDIT_ARCH_X86_64, SYS_ppoll, &abi).wide_time);
	assert_int_equal(sw_number_of(AUDIT_ARCH_X86_64, SYS_clone3, &abi).engine_call, SW_ENGINE_CALL_CLONE3);
}

/* A call without a decoder would be recorded without its descriptor. */
static void every_call_has_a_decoder(void **state)
{
	(void)state;
	for (enum sw_sys sys = SW_SYS_NONE + 1; sys < SW_SYS_COUNT; sys++) {
		int decoders = (sw_decode_move_rows[sys].enter != NULL) + (sw_decode_name_rows[sys].enter != NULL) +
			       (sw_decode_wait_rows[sys].enter != NULL);
		assert_int_equal(decoders, sys == SW_SYS_SOCKETCALL ? 0 : 1);
	}
}

static void filter_can_be_built(void **state)
{
	struct sw_err err = {0};
	struct sw_filter *filter = sw_filter_new(&err);

	(void)state;
	assert_non_null(filter);
	sw_filter_free(filter);
}

static void tracees_by_thread_and_process(void **state)
{
	struct sw_tracees tracees = {0};
	struct sw_tracee *leader = sw_tracee_add(&tracees, 10, 10), *thread = sw_tracee_add(&tracees, 11, 10);

	(void)state;
	assert_ptr_equal(leader->process, thread->process);
	assert_int_equal(leader->process->threads, 2);
	sw_tracee_remove(&tracees, leader);
	sw_tracee_rename(&tracees, thread, 10); /* exec from a thread */
	assert_ptr_equal(sw_tracee_find(&tracees, 10), thread);
	assert_null(sw_tracee_find(&tracees, 11));
	struct sw_tracee *again = sw_tracee_add(&tracees, 12, 12);
	assert_false(again->inside || again->interrupted || again->every_stop);
	sw_tracee_remove(&tracees, thread);
	assert_null(sw_tracee_process_find(&tracees, 10));
	assert_int_equal(tracees.count, 1);
	sw_tracees_release(&tracees);
}

static void reads_memory_and_no_further(void **state)
{
	struct sw_tracees tracees = {0};
	struct sw_tracee *self = sw_tracee_add(&tracees, getpid(), getpid());
	char text[] = "memory", copy[sizeof text] = "";
	uint32_t narrow[2] = {1, 2};

	(void)state;
	assert_true(sw_tracee_read_all(self, (uintptr_t)text, copy, sizeof text));
	assert_string_equal(copy, text);
	assert_int_equal(sw_tracee_read(self, 0, copy, sizeof copy), 0);
	assert_int_equal(sw_tracee_read(self, 8, copy, sizeof copy), 0);
	assert_int_equal(sw_tracee_read(self, UINT64_MAX - 3, copy, sizeof copy), 0);
	self->at.abi = SW_ABI_I386;
	assert_int_equal(sw_tracee_word(self, narrow, 1), 2);
	sw_tracees_release(&tracees);
}

static void epoll_data_leads_to_the_descriptor(void **state)
{
	struct sw_epolls *epolls = sw_epolls_new();
	struct sw_epoll_member member = {.epoll = 1, .fd = 5, .socket = 50, .data = 0xdead};

	(void)state;
	sw_epolls_put(epolls, &member);
	assert_int_equal(sw_epolls_by_data(epolls, 1, 0xdead)->fd, 5);
	assert_null(sw_epolls_by_data(epolls, 2, 0xdead));
	member.data = 0xbeef; /* MOD */
	sw_epolls_put(epolls, &member);
	assert_null(sw_epolls_by_data(epolls, 1, 0xdead));
	member.fd = 6; /* another with the same data */
	sw_epolls_put(epolls, &member);
	assert_int_equal(sw_epolls_by_data(epolls, 1, 0xbeef)->fd, 6);
	sw_epolls_delete(epolls, 1, 5);
	assert_int_equal(sw_epolls_by_data(epolls, 1, 0xbeef)->fd, 6);
	sw_epolls_delete(epolls, 1, 6);
	assert_null(sw_epolls_by_data(epolls, 1, 0xbeef));
	sw_epolls_delete(epolls, 1, 77);
	sw_epolls_free(epolls);
}

static bool is_even(void *context, uint32_t epoll)
{
	(void)context;
	return epoll % 2 == 0;
}

static void epoll_sets_that_are_gone(void **state)
{
	struct sw_epolls *epolls = sw_epolls_new();

	(void)state;
	for (uint32_t epoll = 1; epoll <= 10000; epoll++)
		sw_epolls_put(epolls, &(struct sw_epoll_member){.epoll = epoll, .fd = 5, .data = 7});
	sw_epolls_sift(epolls, is_even, NULL);
	assert_null(sw_epolls_by_data(epolls, 9999, 7));
	assert_int_equal(sw_epolls_by_data(epolls, 10000, 7)->fd, 5);
	sw_epolls_free(epolls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_back),
		cmocka_unit_test(numbers_of_each_architecture),
		cmocka_unit_test(every_call_has_a_decoder),
		cmocka_unit_test(filter_can_be_built),
		cmocka_unit_test(tracees_by_thread_and_process),
		cmocka_unit_test(reads_memory_and_no_further),
		cmocka_unit_test(epoll_data_leads_to_the_descriptor),
		cmocka_unit_test(epoll_sets_that_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
