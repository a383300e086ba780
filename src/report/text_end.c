/* What stands below (or instead of) the findings: a clean run in one line, what the tool could not do, and the last
 * line, which says whether a packet that is missing proves anything. */
#include "src/report/text.h"

#include "src/base/mem.h"
#include "src/report/words.h"

void sw_text_clean(const struct sw_page *page, const struct sw_report_context *context)
{
	bool blind = sw_report_status(context->report) == SW_STATUS_BLIND;
	sw_auto_free char *text = sw_clean_text(context);
	struct sw_page wide = *page;

	wide.label_width = 8;
	sw_page_put(&wide, &(struct sw_paragraph){.label = blind ? "BLIND" : "CLEAN",
						  .label_style = blind ? SW_STYLE_SLOW : SW_STYLE_GOOD,
						  .text = text});
	sw_text_said(&wide, &context->report->said);
}

void sw_text_limits(const struct sw_page *page, const struct sw_report *report)
{
	struct sw_page wide = *page;

	wide.label_width = 8;
	for (size_t i = 0; i < report->limit_count; i++) {
		const struct sw_limit *limit = &report->limits[i];

		sw_page_line(&wide, "limit:", "%s%s%s", limit->what ? limit->what : "", limit->costs ? ": " : "",
			     limit->costs ? limit->costs : "");
	}
}

void sw_text_watched(const struct sw_page *page, const struct sw_report *report)
{
	sw_auto_free char *text = sw_watched_text(report);

	sw_page_put(page, &(struct sw_paragraph){.text = text});
}
