/* What a finding says of calls that nobody recorded: nothing. See shown.h.
 *
 * Enters: a symptom whose calls were read from packets, and its facts. Leaves: both without what only a log could tell, so that no errno,
 * process or descriptor is invented. */
#include "correlate/findings/finding_internal.h"

void sw_facts_forget_calls(struct sw_facts *facts)
{
	facts->call = facts->reported_by = facts->errno_name = facts->deadline = facts->deadline_whose = NULL;
	facts->error = facts->pid = facts->fd = -1;
	facts->deadline_value = facts->deadline_after = facts->kernel_would = -1;
}

void sw_finding_forget_calls(struct sw_finding *finding)
{
	struct sw_symptom *symptom = &finding->symptom;

	symptom->call = symptom->reported_by = NULL;
	symptom->error = 0;
	symptom->pid = symptom->tid = symptom->pid_inside = 0;
	symptom->comm = NULL;
	symptom->fd = -1;
	symptom->deadline = (struct sw_deadline){.value_ns = -1, .after_ns = -1, .kernel_would_ns = -1, .count = -1};
	if (finding->occurrence_count)
		finding->occurrences[0].call = 0;
}
