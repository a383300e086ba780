/* The section of facts_table.h on established connections. Enters nothing, leaves rows; knows nothing of who sets and who reads them. */
#ifndef SW_CORRELATE_FACTS_TABLE_STREAM_H
#define SW_CORRELATE_FACTS_TABLE_STREAM_H

/* An established connection: bytes, acknowledgements, ends, and where the time went. Set in facts_stream.c. */
#define SW_FACTS_STREAM(X)                                                                                             \
	X(SEEN, own_data, "the last data of ours")                                                                     \
	X(SEEN, own_first_data, "the first data of ours")                                                              \
	X(SEEN, own_fin, "our FIN")                                                                                    \
	X(SEEN, peer_data, "the last new data of the peer")                                                            \
	X(SEEN, peer_last, "the peer's last packet")                                                                   \
	X(SEEN, peer_fin, "its FIN")                                                                                   \
	X(BYTES, bytes_out, "payload of ours that left, sent again or not counted once")                               \
	X(BYTES, bytes_in, "payload of the peer that came")                                                            \
	X(BYTES, bytes_written, "bytes that successful calls accepted")                                                \
	X(BYTES, bytes_read, "bytes that the program read")                                                            \
	X(BYTES, bytes_unread, "bytes that came and were not read")                                                    \
	X(BYTES, bytes_unsent, "bytes that calls accepted and that never left")                                        \
	X(BYTES, bytes_unacked, "bytes that left and were not acknowledged")                                           \
	X(FLAG, all_acked, "the peer's kernel has acknowledged everything that we wrote")                              \
	X(FLAG, request_sent, "bytes of ours left in this operation")                                                  \
	X(FLAG, asked_before, "it had been asked before the session began")                                            \
	X(FLAG, answer_begun, "bytes of the peer came in this operation")                                              \
	X(FLAG, answer_read, "the program read bytes in this operation")                                               \
	X(NS, answer_after, "from the last data of ours before it to the peer's answer")                               \
	X(NS, answer_after_end, "from the end of the operation to the peer's next byte")                               \
	X(FLAG, fin_saw_request, "the peer's FIN acknowledges bytes of our last request")                              \
	X(FLAG, wrote_after_fin, "data of ours left after the peer's FIN or crossed it")                               \
	X(FLAG, fin_then_rst, "its RST came after its FIN")                                                            \
	X(FLAG, rst_living, "the RST bears the marks of a living socket")                                              \
	X(FLAG, rst_no_socket, "it bears those of a host without that socket, or of a reject")                         \
	X(FLAG, rst_late, "it came after the operation had ended")                                                     \
	X(NS, silence, "the last silence of the connection")                                                           \
	X(NS, silence_before, "the longest silence before that")                                                       \
	X(SEEN, silence_end, "the packet that ended it")                                                               \
	X(FLAG, rst_after_silence, "the RST answers the first segment after that silence")                             \
	X(COUNT, unanswered, "retransmissions of ours since the peer last acknowledged more")                          \
	X(SEEN, first_again, "the first segment of ours that was sent again")                                          \
	X(SEEN, last_again, "the last")                                                                                \
	X(COUNT, fins_again, "retransmissions of our FIN")                                                             \
	X(FLAG, fin_acked, "our FIN was acknowledged")                                                                 \
	X(COUNT, probes_unanswered, "keepalive or window probes in a row without an answer")                           \
	X(COUNT, keepalives, "keepalive probes of ours")                                                               \
	X(SEEN, last_keepalive, "the last")                                                                            \
	X(NS, peer_quiet, "from the peer's last packet to the end of the operation")                                   \
	X(NS, answer_quiet, "from the peer's last new bytes to the end of the operation")                              \
	X(FLAG, chunks_cut, "the peer closed in the middle of an answer in chunks")                                    \
	X(BYTES, answer_missing, "bytes that the head of the answer announced and that never came")                    \
	X(COUNT, zero_windows, "times that the peer advertised a window of 0")                                         \
	X(SEEN, zero_window, "the last of them")                                                                       \
	X(FLAG, window_closed, "its window stood at 0 at the end")                                                     \
	X(NS, window_zero, "how long its window stood at 0")                                                           \
	X(COUNT, window_fulls, "segments of ours that filled its window")                                              \
	X(COUNT, segment_size, "largest payload that both ends allow")                                                 \
	X(COUNT, largest_unacked, "largest segment of ours that was sent again and is not acknowledged")               \
	X(COUNT, largest_acked, "largest segment of ours that was acknowledged")                                       \
	X(FLAG, hole, "bytes of the peer are missing below what came")                                                 \
	X(COUNT, after_hole, "the largest segment that came behind the hole")                                          \
	X(NS, rtt, "the least round trip")                                                                             \
	X(NS, rtts, "the round trips that were measured, added up")                                                    \
	X(COUNT, retransmissions, "segments of ours that were sent again")                                             \
	X(COUNT, peer_retransmissions, "segments of the peer that were sent again")                                    \
	X(COUNT, peer_lost, "packets of the peer that never came, by the gaps in its IPv4 ids")                        \
	X(SEEN, peer_lost_packet, "the packet behind the last gap")                                                    \
	X(FLAG, shut_before, "we had shut down writing or closed before")                                              \
	X(NS, shut_ago, "how long before")                                                                             \
	X(FLAG, closed_unanswered, "we closed without an answer once the client had left")                             \
	X(FLAG, linger_zero, "SO_LINGER with 0 was set")                                                               \
	X(FLAG, killed, "a signal killed the process")                                                                 \
	X(TEXT, killed_by, "that signal")                                                                              \
	X(FLAG, began_before, "the connection began before the capture")                                               \
	X(FLAG, accepted, "the connection was accepted: we are the server")                                            \
	X(NS, part_data_waiting, "time of the operation in which unread bytes lay here")                               \
	X(NS, part_window, "in which the peer's window was zero or full")                                              \
	X(NS, part_nagle, "in which Nagle's algorithm held bytes back")                                                \
	X(NS, part_send_buffer, "in which bytes waited in our send buffer")                                            \
	X(NS, part_loss, "in which lost segments were waited for")                                                     \
	X(NS, part_round_trip, "in which packets were under way")                                                      \
	X(NS, part_peer, "in which it was the peer's turn")                                                            \
	X(NS, part_application, "in which nobody waited")                                                              \
	X(TEXT, part_largest, "the part that took the longest")                                                        \
	X(NS, part_most, "how long")                                                                                   \
	X(COUNT, nagle_count, "small writes that were held back")                                                      \
	X(NS, nagle_time, "time that this cost")                                                                       \
	X(COUNT, rtt_count, "exchanges bound by the round trip")                                                       \
	X(NS, rtt_time, "time that this cost")                                                                         \
	X(COUNT, exchanges, "exchanges in all")                                                                        \
	X(NS, woken_late, "the longest that bytes lay here while a thread sat in its wait for them")                   \
	X(NS, late_here, "the longest that any thread of the program was woken late meanwhile or just before")         \
	X(TEXT, stopped_by, "the signal that stopped the program meanwhile")                                           \
	X(FLAG, reset_not_ours, "a RST left in the name of our socket, which lived on and sent data behind it")        \
	X(FLAG, we_speak_first, "on another connection to the same end our bytes were the first")                      \
	X(FLAG, trickled, "bytes of the answer came until the program gave it up")                                     \
	X(COUNT, same_waits, "answers of this end that came after about the same long time")                           \
	X(BYTES, burst, "bytes of the answer that were read since its last pause")                                     \
	X(COUNT, wait_slices, "waits in a row that timed out")                                                         \
	X(FLAG, killed_softly, "by a signal that asks it to end")                                                      \
	X(FLAG, ended_soon, "it ended soon after")                                                                     \
	X(FLAG, ended_well, "the process exited with 0")                                                               \
	X(FLAG, runs_on, "the process had not ended")                                                                  \
	X(TEXT, comm, "the process by name")

#endif
