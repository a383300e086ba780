/* The rows of the verdicts are sound: codes are unique and known, templates name facts that exist, the order has no circle, and
 * texts that a reader needs are there. The document's table is checked by tests/lint/generated. */
#include "correlate/findings/words.h"
#include "correlate/rules/rules.h"
#include "src/base/arena.h"
#include "tests/unit/test.h"

static void each_code_once(void **state)
{
	const struct sw_rule *rule;

	(void)state;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++) {
		assert_non_null(rule->holds);
		assert_true(rule->symptoms != 0);
		if (sw_rule_find(rule->code) != rule)
			fail_msg("%s stands twice", rule->code);
	}
	assert_int_equal(sw_rule_count() > 30, 1);
	assert_null(sw_rule_get(sw_rule_count()));
}

static void known(const struct sw_rule *rule, const char *code, size_t length)
{
	char text[64];

	snprintf(text, sizeof text, "%.*s", (int)length, code);
	if (!sw_rule_find(text))
		fail_msg("%s beats %s, which is no verdict", rule->code, text);
}

static void beaten_codes_exist(void **state)
{
	const struct sw_rule *rule;

	(void)state;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++) {
		for (const char *code = rule->beats ? rule->beats : ""; *code;) {
			size_t length = strcspn(code, " ");

			known(rule, code, length);
			code += length + strspn(code + length, " ");
		}
	}
}

static void no_circle(void **state)
{
	const struct sw_rule *rule;

	(void)state;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++)
		if (sw_rule_beats(rule, rule))
			fail_msg("%s beats itself in the end", rule->code);
}

static void sound(const struct sw_rule *rule, const char *template)
{
	if (template && !sw_words_check(template))
		fail_msg("%s: a template names no fact: %s", rule->code, template);
}

static void templates_name_facts(void **state)
{
	const struct sw_rule *rule;

	(void)state;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++) {
		for (size_t j = 0; j < SW_RULE_TEXTS; j++) {
			sound(rule, rule->cause[j]);
			sound(rule, rule->usually[j]);
			sound(rule, rule->next[j].command);
			sound(rule, rule->next[j].text);
			sound(rule, rule->next[j].expect);
		}
	}
}

static void texts_are_there(void **state)
{
	const struct sw_rule *rule;

	(void)state;
	for (size_t i = 0; (rule = sw_rule_get(i)); i++) {
		if (!rule->title || !rule->cause[0] || !rule->sees || !rule->evidence || !rule->next[0].where)
			fail_msg("%s lacks a text", rule->code);
	}
}

static void order_is_the_documents(void **state)
{
	static const char *const order[] = {"blocked-locally",  "neighbor-unresolved", "prohibited-by-icmp",
					    "refused-by-icmp",  "unreachable-by-icmp", "refused-by-rst",
					    "stale-connection", "synack-ignored",      "reply-too-late",
					    "syn-not-sent",     "syn-unanswered"};
	static const char *const ends[] = {"write-after-own-shutdown", "peer-closed-first", "reset-after-idle",
					   "reset-by-middlebox", "peer-aborted"};
	static const char *const waits[] = {"neighbor-unresolved", "packet-too-big",        "prohibited-by-icmp",
					    "segments-not-sent",   "pmtu-blackhole",        "keepalive-expired",
					    "peer-not-reading",    "handshake-ack-ignored", "peer-vanished",
					    "reply-too-late",      "answer-stopped",        "peer-silent"};

	(void)state;
#define IN_ORDER(list)                                                                                                 \
	for (size_t i = 0; i + 1 < sizeof(list) / sizeof *(list); i++)                                                 \
		if (!sw_rule_beats(sw_rule_find((list)[i]), sw_rule_find((list)[i + 1])))                              \
			fail_msg("%s does not beat %s", (list)[i], (list)[i + 1]);
	IN_ORDER(order)
	IN_ORDER(ends)
	IN_ORDER(waits)
#undef IN_ORDER
}

static void words_have_no_holes(void **state)
{
	struct sw_arena *arena = sw_arena_new();
	struct sw_facts facts = {.syns = 1, .synacks = 3, .remote = "10.0.0.2:80", .port = -1, .duration = 41000000};

	(void)state;
	assert_string_equal(sw_words_fill("{syns:SYN}, {synacks:SYN-ACK} to {remote}", &facts, arena),
			    "1 SYN, 3 SYN-ACKs to 10.0.0.2:80");
	assert_string_equal(sw_words_fill("took {duration}", &facts, arena), "took 41 ms");
	assert_null(sw_words_fill("port {port}", &facts, arena));
	assert_null(sw_words_fill("{no_such_fact}", &facts, arena));
	assert_null(sw_words_fill("{syns", &facts, arena));
	assert_false(sw_words_check("{nothing}"));
	sw_arena_free(arena);
}

/* Somebody will paste it, as root perhaps: a name is a word of the command, whatever it is made of. */
static void commands_hold_names_as_words(void **state)
{
	struct sw_arena *arena = sw_arena_new();
	struct sw_facts facts = {.dns_candidate = "$(reboot).example",
				 .host = "/run/it's;`x`",
				 .remote = "[fd00::1]:80",
				 .remote_ip = "10.0.0.2",
				 .pid = 7,
				 .comm = "my server"};

	(void)state;
	assert_string_equal(sw_words_command("dig @{remote_ip} {dns_candidate}", &facts, arena),
			    "dig @10.0.0.2 '$(reboot).example'");
	assert_string_equal(sw_words_command("ss | grep -F '{host}'; id", &facts, arena),
			    "ss | grep -F '/run/it'\\''s;`x`'; id");
	assert_string_equal(sw_words_command("ls {host} {remote}", &facts, arena),
			    "ls '/run/it'\\''s;`x`' '[fd00::1]:80'");
	assert_string_equal(sw_words_command("perf top -p {its_pid}", &facts, arena),
			    "perf top -p $(pgrep -nx 'my server')");
	facts.runs_on = true;
	assert_string_equal(sw_words_command("cat /proc/{its_pid}/stack", &facts, arena), "cat /proc/7/stack");
	facts.dns_candidate = "-f/etc/shadow";
	assert_null(sw_words_command("dig {dns_candidate}", &facts, arena));
	sw_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_once),
		cmocka_unit_test(beaten_codes_exist),
		cmocka_unit_test(no_circle),
		cmocka_unit_test(templates_name_facts),
		cmocka_unit_test(texts_are_there),
		cmocka_unit_test(words_have_no_holes),
		cmocka_unit_test(commands_hold_names_as_words),
		cmocka_unit_test(order_is_the_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
