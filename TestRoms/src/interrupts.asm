; interrupts: the two 8259A interrupt controllers, the 8254 timer, and how the CPU takes interrupts: IF, the shadow of STI, HLT, an
; interrupt in the middle of a REP, the flags in the frame.
;
; Intel 8259A and 8254 datasheets; SDM volume 3A 6.8 (masking), volume 2 STI, MOV, HLT. IRQ 0 is the timer's channel 0; the slave is
; on IRQ 2.

%include "kernel.inc"

PIC1 equ 0x20
PIC2 equ 0xA0
PIT0 equ 0x40
PIT2 equ 0x42
PIT_CONTROL equ 0x43
PORT61 equ 0x61

BASE1 equ 0x50                  ; vectors of IRQ 0 to 7
BASE2 equ 0x58

section .bss
ticks:          resd 1
tick_eip:       resd 1
tick_ecx:       resd 1
tick_flags:     resd 1
order:          resd 1          ; the vectors taken, last in the low byte
nested_isr:     resd 1
alignb 4096
buffer:         resb 65536
section .text

main:
    call pic_registers
    call pic_requests
    call pit_counting
    call pit_interrupts
    call delivery
    call priorities
    call polling_nothing
    call special_modes
    ret

; pic_init: the sequence of every PC BIOS and kernel, with our vectors; everything masked
pic_init:
    mov al, 0x11                ; ICW1: edge, cascade, ICW4 follows
    out PIC1, al
    out PIC2, al
    mov al, BASE1               ; ICW2: vector base
    out PIC1 + 1, al
    mov al, BASE2
    out PIC2 + 1, al
    mov al, 4                   ; ICW3: slave on IRQ 2
    out PIC1 + 1, al
    mov al, 2
    out PIC2 + 1, al
    mov al, 1                   ; ICW4: 8086 mode, normal EOI
    out PIC1 + 1, al
    out PIC2 + 1, al
    mov al, 0xFF
    out PIC1 + 1, al
    out PIC2 + 1, al
    ret

; READ_ISR, READ_IRR port: into EAX
%macro READ_IRR 1
    mov al, 0x0A
    out %1, al
    in al, %1
    movzx eax, al
%endmacro
%macro READ_ISR 1
    mov al, 0x0B
    out %1, al
    in al, %1
    movzx eax, al
%endmacro

; pit_oneshot: channel 0 in mode 0, EAX counts (1.193182 MHz): the output goes low, and high again when they are over
pit_oneshot:
    push eax
    mov al, 0x30
    out PIT_CONTROL, al
    pop eax
    out PIT0, al
    mov al, ah
    out PIT0, al
    ret

; pit_quiet: mode 0 with the count not yet written: the output is low and stays so
pit_quiet:
    mov al, 0x30
    out PIT_CONTROL, al
    ret

; wait_irr0: until IRQ 0 is requested; gives up after a while. ZF = 1 when it never came.
wait_irr0:
    push ecx
    mov ecx, 2000000
.poll:
    mov al, 0x0A
    out PIC1, al
    in al, PIC1
    test al, 1
    jnz .come
    dec ecx
    jnz .poll
.come:
    pop ecx
    ret

; on_timer: the handler. EBX is the frame.
on_timer:
    inc dword [ticks]
    mov eax, [ebx + frame.eip]
    mov [tick_eip], eax
    mov eax, [ebx + frame.ecx]
    mov [tick_ecx], eax
    mov eax, [ebx + frame.eflags]
    mov [tick_flags], eax
    mov al, 0x20
    out PIC1, al
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
pic_registers:
    GROUP "8259A initialisation"
    call pic_init
    in al, PIC1 + 1
    movzx eax, al
    EXPECT_EQ eax, 0xFF
    mov al, 0xA5
    out PIC1 + 1, al            ; OCW1
    in al, PIC1 + 1
    movzx eax, al
    EXPECT_EQ eax, 0xA5
    mov al, 0x5A
    out PIC2 + 1, al
    in al, PIC2 + 1
    movzx eax, al
    EXPECT_EQ eax, 0x5A
    in al, PIC1 + 1
    movzx eax, al
    EXPECT_EQ eax, 0xA5         ; two chips
    mov al, 0x11                ; ICW1 clears the mask
    out PIC1, al
    mov al, BASE1
    out PIC1 + 1, al
    mov al, 4
    out PIC1 + 1, al
    mov al, 1
    out PIC1 + 1, al
    in al, PIC1 + 1
    movzx eax, al
    EXPECT_EQ eax, 0
    call pic_init
    READ_ISR PIC1
    EXPECT_EQ eax, 0
    READ_ISR PIC2
    EXPECT_EQ eax, 0
    ret

pic_requests:
    GROUP "8259A requests and masks"
    call pit_quiet
    call pic_init                               ; forgets edges from before
    READ_IRR PIC1
    and eax, 1
    EXPECT_EQ eax, 0
    mov eax, 1000
    call pit_oneshot
    call wait_irr0
    READ_IRR PIC1
    and eax, 1
    EXPECT_EQ eax, 1                            ; a masked line is still requested ...
    sti
    nop
    nop
    cli
    EXPECT_EQ [frames_caught], 0                ; ... but not delivered
    ; (Bochs 2.7 leaves bit 7 of the poll byte clear.)
    ; the polling command: OCW3 with P, then a read gives the highest request that is not masked, and acknowledges it
    mov al, 0xFE
    out PIC1 + 1, al
    mov al, 0x0C
    out PIC1, al
    in al, PIC1
    and eax, 0x87
    EXPECT_EQ eax, 0x80
    READ_ISR PIC1
    EXPECT_EQ eax, 1
    READ_IRR PIC1
    and eax, 1
    EXPECT_EQ eax, 0                            ; edge triggered: taken, though the line is still high
    mov al, 0x20
    out PIC1, al
    READ_ISR PIC1
    EXPECT_EQ eax, 0
    mov al, 0xFF
    out PIC1 + 1, al
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; Channel 2 is the one a program can watch: port 61h bit 0 is its gate, bit 1 the speaker, bit 5 its output.
pit_counting:
    GROUP "8254 counting and read-back"
    in al, PORT61
    and al, ~3
    out PORT61, al                              ; gate low, speaker off
    ; mode 0: output low with the control word, high at the end of the count
    mov al, 0xB0
    out PIT_CONTROL, al
    in al, PORT61
    and eax, 0x20
    EXPECT_EQ eax, 0
    mov al, 0x34
    out PIT2, al
    mov al, 0x12
    out PIT2, al
    mov al, 0xE8                                ; read-back: count and status not latched are 1; this latches the status of channel 2
    out PIT_CONTROL, al
    in al, PIT2
    movzx eax, al
    and eax, 0xBF                               ; without the null-count bit
    EXPECT_EQ eax, 0x30                         ; output low, both bytes, mode 0, binary
    ; with the gate low it does not count (QEMU 7.2 counts on)
    mov al, 0xD8                                ; read-back: latch the count
    out PIT_CONTROL, al
    in al, PIT2
    mov bl, al
    in al, PIT2
    mov bh, al
    mov al, 0x80                                ; counter latch command
    out PIT_CONTROL, al
    in al, PIT2
    mov cl, al
    in al, PIT2
    mov ch, al
    movzx eax, bx
    movzx ecx, cx
    EXPECT_EQ eax, ecx
    ; gate high: it counts down to 0, and the output rises
    in al, PORT61
    or al, 1
    out PORT61, al
    mov ecx, 4000000
.wait:
    in al, PORT61
    test al, 0x20
    jnz .high
    dec ecx
    jnz .wait
.high:
    in al, PORT61
    and eax, 0x20
    EXPECT_EQ eax, 0x20
    mov al, 0xE8
    out PIT_CONTROL, al
    in al, PIT2
    movzx eax, al
    and eax, 0xBF
    EXPECT_EQ eax, 0xB0
    ; a latched value stays until it was read, both bytes
    mov al, 0x80
    out PIT_CONTROL, al
    in al, PIT2
    mov bl, al
    mov ecx, 1000
.pause:
    in al, PORT61
    loop .pause
    mov al, 0x80                                ; a second latch command before the first was read out is ignored
    out PIT_CONTROL, al
    in al, PIT2
    mov bh, al
    mov al, 0x80
    out PIT_CONTROL, al
    in al, PIT2
    mov cl, al
    in al, PIT2
    mov ch, al
    xor eax, eax
    cmp bx, cx                                  ; time has passed: another value
    setne al
    EXPECT_EQ eax, 1
    ; mode 3: status tells, and the output toggles
    mov al, 0xB6
    out PIT_CONTROL, al
    mov al, 100
    out PIT2, al
    mov al, 0
    out PIT2, al
    mov al, 0xE8
    out PIT_CONTROL, al
    in al, PIT2
    movzx eax, al
    and eax, 0x3F
    EXPECT_EQ eax, 0x36
    mov ecx, 1000000
    xor ebx, ebx
    in al, PORT61
    and al, 0x20
    mov dl, al
.toggle:
    in al, PORT61
    and al, 0x20
    cmp al, dl
    je .same
    mov dl, al
    inc ebx
    cmp ebx, 4
    je .toggled
.same:
    dec ecx
    jnz .toggle
.toggled:
    EXPECT_EQ ebx, 4
    ; mode 2 aliases (110) read back as they were written or as 010: both are mode 2
    mov al, 0xBC
    out PIT_CONTROL, al
    mov al, 0xE8
    out PIT_CONTROL, al
    in al, PIT2
    movzx eax, al
    and eax, 0x36
    EXPECT_EQ eax, 0x34
    ; low byte only: the high byte of the count is 0
    mov al, 0x90
    out PIT_CONTROL, al
    in al, PORT61
    and al, ~1
    out PORT61, al
    mov al, 0x55
    out PIT2, al
    mov al, 0xE8
    out PIT_CONTROL, al
    in al, PIT2
    movzx eax, al
    and eax, 0x3F
    EXPECT_EQ eax, 0x10
    ret

pit_interrupts:
    GROUP "timer interrupts"
    mov dword [hooks + BASE1 * 4], on_timer
    call pit_quiet
    call pic_init
    mov al, 0xFE
    out PIC1 + 1, al
    ; mode 2: interrupts at a rate, woken from HLT each time
    mov dword [ticks], 0
    mov al, 0x34
    out PIT_CONTROL, al
    mov al, 0x50                                ; 2000 counts: 1.7 ms
    out PIT0, al
    mov al, 0x07
    out PIT0, al
.halt:
    sti
    hlt
.behind_hlt:
    cli
    EXPECT_EQ [tick_eip], .behind_hlt           ; HLT is over when the interrupt comes
    cmp dword [ticks], 5
    jb .halt
    EXPECT_EQ [ticks], 5
    mov eax, [tick_flags]
    and eax, FL_IF
    EXPECT_EQ eax, FL_IF
    ; mode 0: exactly one
    call pit_quiet
    call drain
    mov dword [ticks], 0
    mov eax, 500
    call pit_oneshot
    sti
    hlt
    cli
    EXPECT_EQ [ticks], 1
    mov ecx, 20000
.pause:
    in al, PORT61
    loop .pause
    sti
    nop
    nop
    cli
    EXPECT_EQ [ticks], 1
    ret

; drain: takes whatever is pending
drain:
    sti
    nop
    nop
    cli
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; make_pending: IRQ 0 is requested and not masked, interrupts are off
make_pending:
    call pit_quiet
    call drain
    mov eax, 50
    call pit_oneshot
    call wait_irr0
    mov dword [ticks], 0
    ret

delivery:
    GROUP "when the CPU takes an interrupt"
    ; STI: not before the instruction after it
    call make_pending
    sti
    nop
.after_nop:
    nop
    cli
    EXPECT_EQ [ticks], 1
    EXPECT_EQ [tick_eip], .after_nop
    ; STI; CLI lets nothing in
    call make_pending
    sti
    cli
    EXPECT_EQ [ticks], 0
    sti
    nop
    cli
    EXPECT_EQ [ticks], 1
    ; STI with IF already on has no shadow; POPF has none ever
    call make_pending
    push dword FL_1 | FL_IF
    popfd
.after_popf:
    nop
    cli
    EXPECT_EQ [ticks], 1
    EXPECT_EQ [tick_eip], .after_popf
    ; (MOV SS and POP SS have the same kind of shadow. It cannot be told apart from here: with IF on and a request pending the
    ; interrupt comes before them, and behind STI the manual leaves open whether a second shadow follows. debug.asm shows it with TF.)
    ; IRET enables without a shadow
    call make_pending
    push dword FL_1 | FL_IF
    push cs
    push dword .iret_target
    iretd
.iret_target:
    nop
    cli
    EXPECT_EQ [ticks], 1
    EXPECT_EQ [tick_eip], .iret_target
    ; STI; HLT: the pending interrupt ends the HLT at once
    call make_pending
    sti
    hlt
.after_hlt:
    cli
    EXPECT_EQ [ticks], 1
    EXPECT_EQ [tick_eip], .after_hlt
    ; a long REP is interruptible: EIP is that of the REP, and ECX, EDI tell how far it came
    call pit_quiet
    call drain
    mov dword [ticks], 0
    mov eax, 60
    call pit_oneshot
    sti
    mov ebx, 4000
.again:
    mov edi, buffer
    mov ecx, 65536
    mov al, 0x77
    cld
.rep:
    rep stosb
.after_rep:
    cmp dword [ticks], 0
    jne .taken
    dec ebx
    jnz .again
.taken:
    cli
    EXPECT_EQ [ticks], 1
    EXPECT_EQ ecx, 0
    EXPECT_EQ edi, buffer + 65536
    cmp dword [tick_eip], .rep
    jne .not_inside                             ; taken between two of the rounds: nothing more to say
    xor eax, eax
    cmp dword [tick_ecx], 65536
    setbe al
    EXPECT_EQ eax, 1
.not_inside:
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; The second source is the RTC on IRQ 8 (slave line 0), programmed to interrupt at a rate.
RTC_INDEX equ 0x70
RTC_DATA  equ 0x71

%macro RTC_WRITE 2
    mov al, %1
    out RTC_INDEX, al
    mov al, %2
    out RTC_DATA, al
%endmacro
%macro RTC_READ 1
    mov al, %1
    out RTC_INDEX, al
    in al, RTC_DATA
%endmacro

; note_order: appends the vector to `order`; no EOI
note_order:
    shl dword [order], 8
    mov eax, [ebx + frame.vector]
    or [order], eax
    ret
note_eoi1:
    call note_order
    mov al, 0x20
    out PIC1, al
    ret
note_eoi2:
    call note_order
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    ret
; nesting: the timer's handler turns interrupts on without an EOI: nothing of equal or lower priority may come in
note_nesting:
    call note_order
    sti
    nop
    nop
    nop
    cli
    READ_ISR PIC1
    mov [nested_isr], eax
    mov al, 0x20
    out PIC1, al
    ret
; wait until the slave requests
wait_irr8:
    mov ecx, 4000000
.poll:
    READ_IRR PIC2
    test al, 1
    jnz .come
    dec ecx
    jnz .poll
.come:
    ret

both_pending:
    call pit_quiet
    call pic_init
    RTC_READ 0x0C                               ; forgets old requests
    mov al, 0xFA                                ; IRQ 0 and 2
    out PIC1 + 1, al
    mov al, 0xFE                                ; IRQ 8
    out PIC2 + 1, al
    RTC_WRITE 0x0A, 0x26                        ; 1024 Hz
    RTC_WRITE 0x0B, 0x42                        ; periodic interrupt, 24 h
    call wait_irr8
    mov eax, 50
    call pit_oneshot
    call wait_irr0
    mov dword [order], 0
    ret

priorities:
    GROUP "8259A priorities and EOI"
    mov dword [hooks + BASE1 * 4], note_eoi1
    mov dword [hooks + BASE2 * 4], note_eoi2
    call both_pending
    READ_IRR PIC1
    and eax, 5
    EXPECT_EQ eax, 5                            ; the slave's request is the master's IRQ 2
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [order], BASE1 << 8 | BASE2       ; IRQ 0 first: priority is resolved at the acknowledge (Bochs 2.7 remembers the first)
    RTC_READ 0x0C
    ; a mask keeps the higher one out
    call both_pending
    mov al, 0xFB
    out PIC1 + 1, al
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [order], BASE2
    mov al, 0xFA
    out PIC1 + 1, al
    mov dword [order], 0
    sti
    nop
    nop
    cli
    EXPECT_EQ [order], BASE1                    ; it was kept, not lost
    RTC_READ 0x0C
    ; while IRQ 0 is in service, the lower IRQ 8 waits although the CPU would take it
    mov dword [hooks + BASE1 * 4], note_nesting
    call both_pending
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [nested_isr], 1
    EXPECT_EQ [order], BASE1 << 8 | BASE2
    RTC_READ 0x0C
    ; the other way round IRQ 0 interrupts the handler of IRQ 8
    mov dword [hooks + BASE1 * 4], note_eoi1
    mov dword [hooks + BASE2 * 4], .slave_nesting
    call both_pending
    mov al, 0xFB
    out PIC1 + 1, al                            ; so that IRQ 8 is first
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [nested_isr], 4 | 1 << 8          ; both chips had it in service
    EXPECT_EQ [order], BASE2 << 8 | BASE1
    mov dword [hooks + BASE2 * 4], note_eoi2
    RTC_READ 0x0C
    ; specific EOI clears the level that it names
    call both_pending
    mov dword [hooks + BASE1 * 4], .no_eoi
    sti
    nop
    nop
    cli
    READ_ISR PIC1
    EXPECT_EQ eax, 1
    mov al, 0x62                                ; specific EOI of level 2: not in service, nothing happens
    out PIC1, al
    READ_ISR PIC1
    EXPECT_EQ eax, 1
    mov al, 0x60
    out PIC1, al
    READ_ISR PIC1
    EXPECT_EQ eax, 0
    RTC_WRITE 0x0B, 0x02
    RTC_READ 0x0C
    call pic_init
    ret
.no_eoi:
    call note_order
    and dword [ebx + frame.eflags], ~FL_IF      ; return with interrupts off
    ret
.slave_nesting:
    call note_order
    READ_ISR PIC2
    mov ebx, eax
    shl ebx, 8
    READ_ISR PIC1
    or eax, ebx
    mov [nested_isr], eax
    mov al, 0xFA
    out PIC1 + 1, al
    sti
    nop
    nop
    nop
    cli
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    ret

polling_nothing:
    GROUP "8259A poll without a request"
    call pit_quiet
    call pic_init
    mov al, 0x0C
    out PIC1, al
    in al, PIC1
    and eax, 0x80
    EXPECT_EQ eax, 0
    READ_ISR PIC1
    EXPECT_EQ eax, 0
    ret

special_modes:
    GROUP "8259A automatic EOI and rotation"
    ; ICW4 bit 1: the service bit is cleared with the acknowledge itself
    call pit_quiet
    call pic_init
    mov al, 0x11
    out PIC1, al
    mov al, BASE1
    out PIC1 + 1, al
    mov al, 4
    out PIC1 + 1, al
    mov al, 3
    out PIC1 + 1, al
    mov al, 0xFE
    out PIC1 + 1, al
    mov dword [hooks + BASE1 * 4], .read_isr
    mov dword [nested_isr], 0xFF
    mov eax, 50
    call pit_oneshot
    call wait_irr0
    sti
    nop
    nop
    cli
    EXPECT_EQ [nested_isr], 0
    ; rotation: level 2 is made the lowest, so that 3 is the highest and 0 is behind 7: after "set priority 0", level 0 is the lowest
    ; and the slave on level 2 comes before the timer
    mov dword [hooks + BASE1 * 4], note_eoi1
    mov dword [hooks + BASE2 * 4], note_eoi2
    call both_pending
    mov al, 0xC0                                ; set priority: bottom is level 0
    out PIC1, al
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [order], BASE2 << 8 | BASE1
    mov al, 0xC7                                ; back to normal: bottom is level 7
    out PIC1, al
    RTC_WRITE 0x0B, 0x02
    RTC_READ 0x0C
    call pic_init
    ret
.read_isr:
    READ_ISR PIC1
    mov [nested_isr], eax
    ret

KERNEL_END
