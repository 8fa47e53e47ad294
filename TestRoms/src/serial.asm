; serial: the 16550A at COM1 (3F8h, IRQ 4). Registers, loopback of data and modem lines, the FIFO with its trigger levels, timeout and
; overrun, the interrupt identification with its priorities, and at last a line of text sent to the port.
;
; National Semiconductor PC16550D datasheet.

%include "kernel.inc"
%include "pic.inc"

COM equ 0x3F8
RBR equ COM                     ; receive (read), transmit (write); divisor low with DLAB
IER equ COM + 1                 ; divisor high with DLAB
IIR equ COM + 2                 ; read; FIFO control on write
FCR equ COM + 2
LCR equ COM + 3
MCR equ COM + 4
LSR equ COM + 5
MSR equ COM + 6
SCR equ COM + 7

LCR_8N1 equ 3
LCR_DLAB equ 0x80
MCR_DTR equ 1
MCR_RTS equ 2
MCR_OUT1 equ 4
MCR_OUT2 equ 8
MCR_LOOP equ 16
LSR_DR equ 1
LSR_OE equ 2
LSR_BI equ 16
LSR_THRE equ 32
LSR_TEMT equ 64
IER_RDA equ 1
IER_THRE equ 2
IER_LS equ 4
IER_MS equ 8
IIR_NONE equ 1
IIR_THRE equ 2
IIR_RDA equ 4
IIR_LS equ 6
IIR_TIMEOUT equ 12
IIR_FIFO equ 0xC0

section .bss
irqs:       resd 1
irq_iir:    resd 1
lsr_seen:   resd 1              ; what wait_empty read from LSR, ored: reading it clears the error bits
section .text

%macro WRITE_REG 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
; READ_REG port: into EAX
%macro READ_REG 1
    mov dx, %1
    in al, dx
    movzx eax, al
%endmacro
; EXPECT_REG port, expected, mask
%macro EXPECT_REG 3.nolist
    READ_REG %1
    and eax, %3
    EXPECT_EQ eax, %2
%endmacro

main:
    call pic_init
    call registers
    call loopback
    call modem_lines
    call fifo
    call identification
    call interrupt_line
    call send_text
    ret

; reset_port: 8N1, 115200 baud, no FIFO, no interrupts, nothing pending
reset_port:
    WRITE_REG LCR, LCR_DLAB | LCR_8N1
    WRITE_REG RBR, 1
    WRITE_REG IER, 0
    WRITE_REG LCR, LCR_8N1
    WRITE_REG FCR, 7                            ; enable and clear both FIFOs ...
    WRITE_REG FCR, 0                            ; ... and disable
    WRITE_REG MCR, 0
    call wait_empty
    READ_REG LSR
    READ_REG RBR
    READ_REG MSR
    READ_REG IIR
    ret

; wait_empty: until the transmitter is idle; wait_data: until a character is there; both give up after a while.
wait_empty:
    mov ecx, 1000000
.poll:
    READ_REG LSR
    or [lsr_seen], eax
    test al, LSR_TEMT
    jnz .done
    dec ecx
    jnz .poll
.done:
    ret
; pause: some milliseconds without a look at the chip
pause:
    mov ecx, 20000
.read:
    in al, 0x61
    loop .read
    ret
wait_data:
    mov ecx, 1000000
.poll:
    READ_REG LSR
    test al, LSR_DR
    jnz .done
    dec ecx
    jnz .poll
.done:
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
registers:
    GROUP "16550A registers"
    call reset_port
    WRITE_REG SCR, 0xA5
    EXPECT_REG SCR, 0xA5, 0xFF
    WRITE_REG SCR, 0x5A
    EXPECT_REG SCR, 0x5A, 0xFF
    WRITE_REG LCR, 0x1B
    EXPECT_REG LCR, 0x1B, 0xFF
    ; DLAB puts the divisor in the place of two registers; what is behind it stays
    WRITE_REG LCR, LCR_8N1
    WRITE_REG IER, 0xFF
    EXPECT_REG IER, 0x0F, 0xFF                  ; the upper half reads as zero
    WRITE_REG LCR, LCR_8N1 | LCR_DLAB
    WRITE_REG RBR, 0x34
    WRITE_REG IER, 0x12
    EXPECT_REG RBR, 0x34, 0xFF
    EXPECT_REG IER, 0x12, 0xFF
    WRITE_REG LCR, LCR_8N1
    EXPECT_REG IER, 0x0F, 0xFF
    WRITE_REG IER, 0
    WRITE_REG MCR, 0xFF
    EXPECT_REG MCR, 0x1F, 0x1F
    WRITE_REG MCR, 0
    ; the FIFO shows in IIR
    WRITE_REG FCR, 1
    EXPECT_REG IIR, IIR_FIFO | IIR_NONE, 0xFF
    WRITE_REG FCR, 0
    EXPECT_REG IIR, IIR_NONE, 0xFF
    call reset_port
    EXPECT_REG LSR, LSR_THRE | LSR_TEMT, 0xFF
    ret

loopback:
    GROUP "loopback of data"
    call reset_port
    WRITE_REG MCR, MCR_LOOP
    ; every value
    xor ebx, ebx
    xor esi, esi
.next:
    mov dx, RBR
    mov al, bl
    out dx, al
    call wait_data
    READ_REG RBR
    cmp al, bl
    je .same
    inc esi
.same:
    inc ebx
    cmp ebx, 256
    jb .next
    EXPECT_EQ esi, 0
    EXPECT_REG LSR, LSR_THRE | LSR_TEMT, 0xFF   ; DR is cleared by the read
    ; without a FIFO a second character overruns the first
    WRITE_REG RBR, 0x11
    call wait_empty
    WRITE_REG RBR, 0x22
    call pause
    EXPECT_REG LSR, LSR_DR | LSR_OE, LSR_DR | LSR_OE
    EXPECT_REG LSR, LSR_DR, LSR_DR | LSR_OE     ; reading LSR clears OE
    EXPECT_REG RBR, 0x22, 0xFF
    call reset_port
    ret

modem_lines:
    GROUP "modem lines in loopback"
    call reset_port
    WRITE_REG MCR, MCR_LOOP
    READ_REG MSR
    EXPECT_REG MSR, 0, 0xFF
    ; RTS -> CTS, DTR -> DSR, OUT1 -> RI, OUT2 -> DCD; the lower half tells what changed since the last read
    WRITE_REG MCR, MCR_LOOP | MCR_RTS
    EXPECT_REG MSR, 0x11, 0xFF
    EXPECT_REG MSR, 0x10, 0xFF
    WRITE_REG MCR, MCR_LOOP | MCR_RTS | MCR_DTR
    EXPECT_REG MSR, 0x32, 0xFF
    WRITE_REG MCR, MCR_LOOP | MCR_OUT2
    EXPECT_REG MSR, 0x8B, 0xFF
    ; RI reports its trailing edge only
    WRITE_REG MCR, MCR_LOOP | MCR_OUT2 | MCR_OUT1
    EXPECT_REG MSR, 0xC0, 0xFF
    WRITE_REG MCR, MCR_LOOP | MCR_OUT2
    EXPECT_REG MSR, 0x84, 0xFF
    EXPECT_REG MSR, 0x80, 0xFF
    call reset_port
    ret

fifo:
    GROUP "FIFO"
    call reset_port
    WRITE_REG MCR, MCR_LOOP
    WRITE_REG FCR, 1 | 0xC0                     ; trigger level 14
    ; sixteen characters, in order
    mov ebx, 0x40
.send:
    mov dx, RBR
    mov al, bl
    out dx, al
    call wait_empty
    inc ebx
    cmp ebx, 0x50
    jb .send
    mov ebx, 0x40
    xor esi, esi
.receive:
    EXPECT_REG LSR, LSR_DR, LSR_DR | LSR_OE
    READ_REG RBR
    cmp eax, ebx
    je .same
    inc esi
.same:
    inc ebx
    cmp ebx, 0x50
    jb .receive
    EXPECT_EQ esi, 0
    EXPECT_REG LSR, 0, LSR_DR
    ; the seventeenth is lost, with OE; the sixteen stay
    mov dword [lsr_seen], 0
    mov ebx, 0x60
.overrun:
    mov dx, RBR
    mov al, bl
    out dx, al
    call wait_empty
    inc ebx
    cmp ebx, 0x71
    jb .overrun
    call pause
    READ_REG LSR
    or eax, [lsr_seen]
    and eax, LSR_DR | LSR_OE
    EXPECT_EQ eax, LSR_DR | LSR_OE
    EXPECT_REG RBR, 0x60, 0xFF
    ; clearing the receive FIFO
    WRITE_REG FCR, 1 | 2
    EXPECT_REG LSR, 0, LSR_DR
    call reset_port
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
identification:
    GROUP "interrupt identification"
    call reset_port
    WRITE_REG MCR, MCR_LOOP
    EXPECT_REG IIR, IIR_NONE, 0x0F
    ; enabling the transmit interrupt with an empty holding register requests at once; reading IIR takes that back
    WRITE_REG IER, IER_THRE
    EXPECT_REG IIR, IIR_THRE, 0x0F
    EXPECT_REG IIR, IIR_NONE, 0x0F
    ; it comes again when the register empties; writing it clears the request
    WRITE_REG RBR, 0x77
    call wait_empty
    EXPECT_REG IIR, IIR_THRE, 0x0F
    ; received data goes before it, line status before that
    WRITE_REG IER, IER_THRE | IER_RDA
    EXPECT_REG IIR, IIR_RDA, 0x0F
    WRITE_REG RBR, 0x78
    call pause                                  ; overrun
    READ_REG MSR
    WRITE_REG IER, IER_THRE | IER_RDA | IER_LS | IER_MS
    EXPECT_REG IIR, IIR_LS, 0x0F
    READ_REG LSR
    EXPECT_REG IIR, IIR_RDA, 0x0F
    READ_REG RBR
    EXPECT_REG IIR, IIR_THRE, 0x0F
    ; modem status is the last
    WRITE_REG MCR, MCR_LOOP | MCR_RTS
    EXPECT_REG IIR, 0, 0x0F
    READ_REG MSR
    EXPECT_REG IIR, IIR_NONE, 0x0F
    ; the FIFO's trigger level: no request below it, but a timeout when nothing comes or goes for four characters
    call reset_port
    WRITE_REG MCR, MCR_LOOP
    WRITE_REG FCR, 1 | 0x40                     ; level 4
    WRITE_REG IER, IER_RDA
    WRITE_REG RBR, 1
    call wait_empty
    WRITE_REG RBR, 2
    call wait_empty
    WRITE_REG RBR, 3
    call wait_empty
    mov ecx, 1000000
.timeout:
    READ_REG IIR
    and al, 0x0F
    cmp al, IIR_NONE
    jne .came
    dec ecx
    jnz .timeout
.came:
    EXPECT_EQ eax, IIR_TIMEOUT
    READ_REG RBR                                ; ends the timeout
    EXPECT_REG IIR, IIR_NONE, 0x0F
    WRITE_REG RBR, 4
    call wait_empty
    WRITE_REG RBR, 5
    call wait_empty
    EXPECT_REG IIR, IIR_RDA, 0x0F               ; four are there
    READ_REG RBR
    READ_REG IIR
    and eax, 0x0F
    cmp eax, IIR_RDA                            ; below the level again
    setne al
    movzx eax, al
    EXPECT_EQ eax, 1
    call reset_port
    ret

on_irq4:
    inc dword [irqs]
    READ_REG IIR
    mov [irq_iir], eax
    EOI_MASTER
    ret

interrupt_line:
    GROUP "IRQ 4"
    mov dword [hooks + (IRQ_BASE + 4) * 4], on_irq4
    call reset_port
    call pic_init
    UNMASK 4
    ; OUT2 opens the way from the chip to the interrupt controller on every PC
    WRITE_REG MCR, MCR_OUT2
    mov dword [irqs], 0
    WRITE_REG IER, IER_THRE
    sti
    nop
    nop
    nop
    cli
    EXPECT_EQ [irqs], 1
    mov eax, [irq_iir]
    and eax, 0x0F
    EXPECT_EQ eax, IIR_THRE
    ; a character goes out: one interrupt when the holding register is empty again, waited for in HLT
    WRITE_REG RBR, 's'
    sti
    hlt
    cli
    EXPECT_EQ [irqs], 2
    ; nothing without IER
    WRITE_REG IER, 0
    WRITE_REG RBR, 'e'
    call wait_empty
    sti
    nop
    nop
    cli
    EXPECT_EQ [irqs], 2
    mov al, 0xFF
    out 0x21, al
    ret

send_text:
    GROUP "text to COM1"
    WRITE_REG FCR, 7
    mov esi, .text
.next:
    mov al, [esi]
    test al, al
    jz .done
    mov bl, al
    mov ecx, 1000000
.wait:
    READ_REG LSR
    test al, LSR_THRE
    jnz .ready
    dec ecx
    jnz .wait
.ready:
    mov dx, RBR
    mov al, bl
    out dx, al
    inc esi
    jmp .next
.done:
    call wait_empty
    EXPECT_REG LSR, LSR_THRE | LSR_TEMT, LSR_THRE | LSR_TEMT
    WRITE_REG FCR, 0
    ret
section .rodata
.text: db "rial ok", 13, 10, 0          ; "se" went out with the interrupts above
section .text

KERNEL_END
