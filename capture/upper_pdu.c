/* Records of link type 252. https://www.tcpdump.org/linktypes/LINKTYPE_WIRESHARK_UPPER_PDU.html, Wireshark's
 * exported_pdu.h. */
#include "capture/upper_pdu.h"

#include <string.h>

enum { TAG_DISSECTOR = 12, TAG_HEADER = 4 };

size_t sw_upper_pdu_make(const char *dissector, const char *text, size_t length, uint8_t *buffer, size_t size)
{
	size_t name = strlen(dissector), padded = (name + 3) & ~(size_t)3, head = TAG_HEADER + padded + TAG_HEADER;

	if (size < head)
		return 0;
	memset(buffer, 0, head);
	buffer[1] = TAG_DISSECTOR;
	buffer[2] = (uint8_t)(padded >> 8);
	buffer[3] = (uint8_t)padded;
	for (size_t i = 0; i < name; i++) /* padded with zeros, not terminated */
		buffer[TAG_HEADER + i] = (uint8_t)dissector[i];
	if (length > size - head)
		length = size - head;
	memcpy(buffer + head, text, length);
	return head + length;
}
