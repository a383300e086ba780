/* What an account tells of its connection: the answer as far as its head was understood, stalls, patterns, sums.
 *
 * Enters: an account. Leaves: plain values. Changes nothing but the stretch in which a wait was late, which it closes. */
#include "correlate/account/account_state.h"

bool sw_account_asks_to_wait(const struct sw_account *account)
{
	return account->asks_to_wait;
}

enum sw_answer_seen sw_account_answer(const struct sw_account *account)
{
	return account->answer;
}

int64_t sw_account_body(const struct sw_account *account)
{
	return account->body;
}

int64_t sw_account_missing(const struct sw_account *account)
{
	return account->body > 0 && account->missing > 0 ? account->missing : 0;
}

bool sw_account_cut(const struct sw_account *account)
{
	return account->fin_arrived &&
	       (account->chunks_cut ||
		(account->missing > 0 && (account->missing < account->body || account->asks_whole)));
}

int64_t sw_account_left_ns(const struct sw_account *account)
{
	return account->left_unanswered ? account->fin_ns : SW_TIME_NONE;
}

struct sw_account_stall sw_account_stall(const struct sw_account *account)
{
	return account->stall;
}

struct sw_account_summary sw_account_summary(const struct sw_account *account)
{
	struct sw_account_summary summary = account->summary;

	summary.accepted = account->accepted;
	summary.sent = account->sent;
	summary.acknowledged = account->acked;
	summary.arrived = account->arrived;
	return summary;
}

int64_t sw_account_woken(struct sw_account *account, int64_t time_ns, bool got)
{
	int64_t from_ns = account->late_since_ns;

	account->late_since_ns = SW_TIME_NONE;
	if (from_ns == SW_TIME_NONE || !got || time_ns <= from_ns)
		return 0;
	if (time_ns - from_ns > account->summary.late.ns)
		account->summary.late = (struct sw_account_stall){from_ns, time_ns - from_ns};
	return time_ns - from_ns;
}
