/* What the program said of a finding: see finding.h and said.h. The process that failed speaks for itself; where it said nothing after
 * it, whoever started it may have. */
#include <string.h>

#include "correlate/findings/finding.h"
#include "correlate/findings/said.h"
#include "src/base/names.h"

#define ANCESTORS 8
#define SLACK_NS (2 * SW_NS_PER_MS) /* the order of two threads' stops */

static uint32_t speaker_of(const struct sw_finding *finding, const struct sw_sources *sources, int64_t since_ns)
{
	uint32_t pid = finding->symptom.pid;

	for (int i = 0; pid && i < ANCESTORS; i++) {
		const struct sw_process_seen *process = sw_processes_get(sources->processes, pid);

		if (sw_said_since(sources->said, pid, since_ns))
			return pid;
		if (!process || process->is_command)
			break;
		pid = process->parent;
	}
	return finding->symptom.pid;
}

void sw_finding_said(struct sw_finding *finding, const struct sw_sources *sources, struct sw_arena *arena)
{
	int64_t since_ns = finding->surfaced_ns - SLACK_NS - sources->options->clock_error_ns;
	const struct sw_flow_summary *flow = &finding->flow;
	const char *words[5] = {0};
	char address[SW_ADDR_TEXT];
	size_t count = 0;

	if (finding->symptom.error) {
		words[count++] = sw_errno_name(finding->symptom.error);
		words[count++] = strerrordesc_np(finding->symptom.error) ?: "";
	}
	if (flow->name)
		words[count++] = flow->name;
	if (flow->remote.present)
		words[count++] = flow->remote.endpoint.ip.family ? sw_ip_text(&flow->remote.endpoint.ip, address) :
								   flow->remote.path;
	sw_said_tell(sources->said, speaker_of(finding, sources, since_ns), since_ns, words, &finding->said, arena);
}
