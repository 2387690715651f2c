# SPDX-License-Identifier: MIT
# Data: order, gaps, SACK, windows, Nagle, delayed ACK, urgent data.

story (opened)
listen
< S
< A
accept

story (opened with SACK)
listen
< S sackok
< A
accept

story (opened with everything)
listen
< S mss=1000 ws=7 sackok ts
< A
accept

story echo
use (opened)
< PA len=100
wait 60
recv
send 100
< A
wait 60

story a segment alone
use (opened)
wait 60
< PA len=100
wait 100

story text without PSH
use (opened)
< A len=100
wait 100
recv

story one segment in two segments' time
use (opened)
< PA len=1000
< PA len=1000
wait 60
< PA len=1000
wait 60
< PA len=1000
< PA len=1000
< PA len=1000
wait 60
recv

story a gap and its end
use (opened)
< PA seq=101 len=100
< PA seq=1 len=100
wait 60
recv

story two gaps with SACK
use (opened with SACK)
< PA seq=101 len=100
< PA seq=301 len=100
< PA seq=501 len=100
< PA seq=1 len=100
< PA seq=201 len=100
< PA seq=401 len=100
wait 60
recv

story five gaps with SACK
use (opened with SACK)
< PA seq=101 len=100
< PA seq=301 len=100
< PA seq=501 len=100
< PA seq=701 len=100
< PA seq=901 len=100
wait 20

story five gaps with SACK and timestamps
use (opened with everything)
< PA seq=101 len=100
< PA seq=301 len=100
< PA seq=501 len=100
< PA seq=701 len=100
< PA seq=901 len=100
wait 20

story D-SACK for text that was read
use (opened with SACK)
< PA len=100
wait 60
< PA seq=1 len=100
wait 60

story D-SACK for text ahead of a gap
use (opened with SACK)
< PA seq=101 len=100
< PA seq=101 len=100
wait 60

story D-SACK for a part
use (opened with SACK)
< PA len=100
wait 60
< PA seq=51 len=100
wait 60
recv

story overlaps: which copy counts in order
use (opened)
< PA len=100
wait 60
< PA seq=51 len=100 fill=85
wait 60
recv

story overlaps: which copy counts ahead of a gap
use (opened)
< PA seq=101 len=100
< PA seq=51 len=200 fill=85
< PA seq=1 len=50
wait 60
recv

story overlaps: a gap is filled by more than it
use (opened)
< PA seq=101 len=100
< PA seq=1 len=300 fill=85
wait 60
recv

story text beyond the window is cut
use (opened)
< PA seq=W-50 len=100
wait 60

story Nagle
use (opened)
send 100
send 100
send 100
< A
wait 20
< A

story Nagle with a full segment
use (opened)
send 1500
wait 20
< A ack=U+1000
< A

story without Nagle
use (opened)
option nodelay 1
send 100
send 100
send 100
wait 20
< A

story cork
use (opened)
option cork 1
send 100
send 100
wait 20
option cork 0
wait 20
< A

story cork, time is up
use (opened)
option cork 1
send 100
wait 320
< A

story more
use (opened)
send 100 more
send 100
wait 20
< A

story the initial window
use (opened)
send 20000
wait 20
< A ack=U+1000
< A ack=U+1000
< A ack=U+2000
wait 20
< A

story a large write
use (opened)
send 5000
< A ack=U+1000
< A

story the peer's window closes
use (opened)
send 100
< A wnd=0
send 100
wait 3000
< A wnd=1000
wait 20
< A

story the peer's window is smaller than a segment
use (opened)
< A wnd=300
send 1000
wait 1500
< A wnd=300
wait 20
< A wnd=300
wait 20
< A wnd=300
wait 20
< A

story the peer's window shrinks
use (opened)
send 2000
< A ack=1 wnd=500
wait 20
< A wnd=65535

story the peer's window shrinks to nothing
use (opened)
send 2000
< A ack=1 wnd=0
wait 1000
< A wnd=65535

story an old segment does not move the window
use (opened)
< PA len=10
wait 60
send 100
< A wnd=0
< A seq=1 wnd=5000
send 50
wait 50
state

story a probe of our window
use (opened)
< A seq=R-1
< A seq=R-1
wait 20
< PA seq=R-1 len=1
wait 60

story our window closes and opens
option rcvbuf 4096
listen
< S
< A
accept
< PA len=1000
< PA len=1000
< PA len=1000
< PA len=1000
< PA len=1000
wait 60
recv
wait 20
recv

story our window, byte by byte
option rcvbuf 4096
listen
< S
< A
accept
< PA len=1
wait 60
< PA len=1
wait 60
< PA len=1
wait 60
recv

story urgent data come
use (opened)
option oobinline 1
< UPA len=10 up=5
wait 60
recv
recv

story urgent data go
use (opened)
send 10 urgent
wait 20
< A
send 5
< A

story urgent data go between others
use (opened)
option nodelay 1
send 10
send 10 urgent
send 10
wait 20
< A

story urgent pointer far ahead
use (opened)
option oobinline 1
< UPA len=10 up=1000
wait 60
recv

story urgent pointer 0
use (opened)
option oobinline 1
< UPA len=10 up=0
wait 60
recv

story URG without text
use (opened)
option oobinline 1
< UA up=1
wait 60
recv
< PA len=10
wait 60
recv

story peek
use (opened)
< PA len=100
wait 60
recv peek
recv 40
recv 100
recv

story nothing to read
use (opened)
recv

story text after the owner has shut reading
use (opened)
shutdown receive
< PA len=100
< PA len=100
wait 60
state

story an ACK of what was not sent
use (opened)
send 100
< A ack=N+100
wait 20
< A

story an ACK of half
use (opened)
send 100
< A ack=U+50
wait 20
< A

story timestamps: an old segment
use (opened with everything)
< PA len=10
wait 60
< PA len=10 tsold
wait 60
recv

story timestamps: an old segment with a RST
use (opened with everything)
< R tsold
state

story timestamps: which is echoed, delayed ACK
use (opened with everything)
< PA len=10
wait 60
< PA len=10
wait 60
< PA seq=R+10 len=10
wait 60
< PA len=10
wait 60

story window scaling: our SYN-ACK and after
listen
< S ws=14
< A wnd=1
accept
send 20000
wait 20
< A wnd=1

story window scaling: 15 counts as 14
listen
< S ws=15
< A wnd=1
accept
send 20000
wait 20
< A wnd=1
