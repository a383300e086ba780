/* When this host let somebody wait who could have run: see lateness.h. */
#include "correlate/account/lateness.h"

void sw_lateness_add(struct sw_lateness *lateness, int64_t from_ns, int64_t ns)
{
	if (ns >= SW_LATENESS_LEAST_NS)
		lateness->newest[lateness->next++ % SW_LATENESS_MAX] = (struct sw_late){from_ns, ns};
}

int64_t sw_lateness_most(const struct sw_lateness *lateness, int64_t from_ns, int64_t to_ns)
{
	int64_t most = 0;

	for (size_t i = 0; i < SW_LATENESS_MAX && i < lateness->next; i++) {
		const struct sw_late *late = &lateness->newest[i];

		if (late->from_ns <= to_ns && late->from_ns + late->ns >= from_ns && late->ns > most)
			most = late->ns;
	}
	return most;
}
