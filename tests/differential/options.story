# SPDX-License-Identifier: MIT
# Options and headers that are not as they should be. opt= is hexadecimal.

story (opened)
listen
< S
< A
accept

story no MSS option: 536
listen
< S nomss
< A
accept
send 2000
wait 20
< A

story MSS 0
listen
< S mss=0
< A
accept
send 100
wait 20
< A

story MSS 1
listen
< S mss=1
< A
accept
send 100
wait 20
< A

story MSS 65535
listen
< S mss=65535
< A
accept
send 2000
wait 20
< A

story MSS twice
listen
< S opt=020401f4020403e8
< A
accept
send 2000
wait 20
< A

story MSS of length 3
listen
< S opt=0203010001010101
state
< A

story option of length 0
listen
< S opt=02000000
state

story option of length 1
listen
< S opt=1e010000
state

story option longer than the header
listen
< S opt=0204
state

story option that runs over the end
listen
< S opt=01010102
state

story option that is longer than what is left
listen
< S opt=1e0a0000
state

story unknown option
listen
< S opt=1e060102030402040200
state
< A
accept
send 1000
wait 20
< A

story option behind the end of options
listen
< S opt=00020401f4000000
state
< A
accept
send 1000
wait 20
< A

story window scale of length 2
listen
< S opt=0302020403e80101
state

story SACK-permitted of length 3
listen
< S opt=040300020403e801
state

story timestamps of length 8
listen
< S opt=080800000001000002040200
state

story timestamps with an echo in the SYN
listen
< S opt=020403e80101080a0001117000000005
state

story unknown option on text
use (opened)
< PA len=10 opt=1e04aabb
wait 60
recv

story option of length 0 on text
use (opened)
< PA len=10 opt=1e000000
wait 60
recv

story MSS on text
use (opened)
< PA len=10 opt=02040064
wait 60
recv
send 1000
wait 20
< A

story SACK blocks that nobody agreed on
use (opened)
send 3000
< A ack=1 sack=1001-2001
< A

story SACK of what was not sent
listen
< S sackok
wait 40
< A
accept
send 3000
< A ack=1 sack=5001-6001
< A

story SACK, right before left
listen
< S sackok
wait 40
< A
accept
send 3000
< A ack=1 sack=2001-1001
< A

story wrong checksum
use (opened)
< PA len=10 badsum
wait 60
recv

story data offset too small
use (opened)
< PA len=10 offset=4
wait 60
recv

story data offset beyond the segment
use (opened)
< PA len=10 offset=15
wait 60
recv

story reserved flags: ECE and CWR on a SYN
listen
< SEW
state

story to a multicast address
listen
< S multicast
state

story from a multicast address
listen
< S badsource
state

story maxseg of our own
option maxseg 600
listen
< S
< A
accept
send 1500
wait 20
< A

story no window in the SYN
listen
< S wnd=0
< A wnd=0
accept
send 100
wait 1000
< A wnd=100
wait 20
< A

story timestamps on and then a RST without
listen
< S ts
< A
accept
< R nots
state
