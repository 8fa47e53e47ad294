; real-mode: what a CPU must do before anything else: 16-bit code with arithmetic in all three widths, the stack, calls, interrupts,
; and segments that wrap or fault at 64 KiB.
;
; Runs as a BIOS image from the reset vector. SDM volume 1 chapter 3 and volume 3A chapter 20 (8086 emulation).

%include "real.inc"

main:
    call at_reset
    call alu_8
    call alu_16
    call alu_32
    call carry_chains
    call shifts
    call multiply_divide
    call decimal
    call bits_and_conditions
    call stack_operations
    call far_transfers
    call interrupts
    call segment_ends
    call address_forms
    call string_wrap
    call unreal_mode
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
at_reset:
    GROUP "reset state"
    smsw ax
    and eax, 1
    EXPECT_EQ eax, 0                    ; real mode
    mov eax, cr0
    and eax, CR0_PG | CR0_TS | CR0_EM | CR0_WP
    EXPECT_EQ eax, 0
    mov eax, cr3
    EXPECT_EQ eax, 0
    mov eax, dr7
    EXPECT_EQ eax, 0x400                ; bit 10 reads as one
    mov eax, dr6
    EXPECT_EQ eax, 0xFFFF0FF0
    ; The image is visible both below 1 MiB and below 4 GiB. The far jump in the reset vector is byte EAh.
    push word 0xF000
    pop ds
    movzx eax, byte [0xFFF0]
    EXPECT_EQ eax, 0xEA
    push word 0
    pop ds
    sidt [0x1000]                       ; base 0, limit 3FFh or FFFFh by model; only the base is architectural
    mov eax, [0x1002]
    and eax, 0xFFFFFF                   ; a 16-bit SIDT stores 24 bits of base on the 286; later CPUs store 32, the rest is zero here
    EXPECT_EQ eax, 0
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; ALU: one line a case. ALU op, register, a, b, result, flags: loads a in the register, applies `op register, b`, checks both.
%macro ALU 6.nolist
    mov %2, %3
    clc
    %1 %2, %4
    EXPECT_FLAGS %6
    ALU_RESULT %2, %5
%endmacro
%macro ALU_CARRY_IN 6.nolist
    mov %2, %3
    stc
    %1 %2, %4
    EXPECT_FLAGS %6
    ALU_RESULT %2, %5
%endmacro
%macro ALU_RESULT 2.nolist
    %ifidn %1, al
    movzx eax, al
    EXPECT_EQ eax, %2
    %elifidn %1, ax
    movzx eax, ax
    EXPECT_EQ eax, %2
    %else
    EXPECT_EQ %1, %2
    %endif
%endmacro
; LOGIC leaves AF undefined; do not look at it.
LOGIC_MASK equ FL_STATUS & ~FL_AF
%macro LOGIC 6.nolist
    mov %2, %3
    stc
    %1 %2, %4
    EXPECT_FLAGS %6, LOGIC_MASK
    ALU_RESULT %2, %5
%endmacro

alu_8:
    GROUP "ALU 8 bits"
    ALU add, al, 0x7F, 0x01, 0x80, FL_OF | FL_SF | FL_AF
    ALU add, al, 0xFF, 0x01, 0x00, FL_CF | FL_ZF | FL_AF | FL_PF
    ALU add, al, 0x80, 0x80, 0x00, FL_CF | FL_OF | FL_ZF | FL_PF
    ALU add, al, 0x0F, 0x01, 0x10, FL_AF
    ALU add, al, 0x12, 0x21, 0x33, FL_PF
    ALU sub, al, 0x80, 0x01, 0x7F, FL_OF | FL_AF
    ALU sub, al, 0x00, 0x01, 0xFF, FL_CF | FL_SF | FL_AF | FL_PF
    ALU sub, al, 0x55, 0x55, 0x00, FL_ZF | FL_PF
    ALU sub, al, 0x7F, 0xFF, 0x80, FL_CF | FL_OF | FL_SF
    ALU cmp, al, 0x10, 0x01, 0x10, FL_AF | FL_PF
    ALU_CARRY_IN adc, al, 0xFF, 0x00, 0x00, FL_CF | FL_ZF | FL_AF | FL_PF
    ALU_CARRY_IN adc, al, 0x7F, 0xFF, 0x7F, FL_CF | FL_AF
    ALU_CARRY_IN sbb, al, 0x00, 0xFF, 0x00, FL_CF | FL_ZF | FL_AF | FL_PF
    ALU_CARRY_IN sbb, al, 0x80, 0x7F, 0x00, FL_OF | FL_ZF | FL_AF | FL_PF
    LOGIC and, al, 0xF0, 0x8F, 0x80, FL_SF
    LOGIC or, al, 0x00, 0x00, 0x00, FL_ZF | FL_PF
    LOGIC xor, al, 0xAA, 0x2A, 0x80, FL_SF
    LOGIC test, al, 0x81, 0x81, 0x81, FL_SF | FL_PF
    mov al, 0x7F
    stc
    inc al                              ; INC and DEC leave CF alone
    EXPECT_FLAGS FL_CF | FL_OF | FL_SF | FL_AF
    clc
    dec al
    EXPECT_FLAGS FL_OF | FL_AF
    mov al, 0x80
    neg al
    EXPECT_FLAGS FL_CF | FL_OF | FL_SF
    xor al, al
    stc
    neg al
    EXPECT_FLAGS FL_ZF | FL_PF
    mov al, 0x80
    not al                              ; NOT changes no flag
    EXPECT_FLAGS FL_ZF | FL_PF
    movzx eax, al
    EXPECT_EQ eax, 0x7F
    ; The four high byte registers are bits 8 to 15, and the rest of the register stays
    mov eax, 0x11223344
    mov ah, 0xFF
    inc ah
    EXPECT_EQ eax, 0x11220044
    ret

alu_16:
    GROUP "ALU 16 bits"
    ALU add, ax, 0x7FFF, 1, 0x8000, FL_OF | FL_SF | FL_AF | FL_PF
    ALU add, ax, 0xFFFF, 1, 0, FL_CF | FL_ZF | FL_AF | FL_PF
    ALU add, ax, 0x00FF, 1, 0x0100, FL_AF | FL_PF        ; parity and AF look at the low byte only
    ALU sub, ax, 0x8000, 1, 0x7FFF, FL_OF | FL_AF | FL_PF
    ALU sub, ax, 0, 0x8000, 0x8000, FL_CF | FL_OF | FL_SF | FL_PF
    ALU_CARRY_IN adc, ax, 0xFFFF, 0xFFFF, 0xFFFF, FL_CF | FL_SF | FL_AF | FL_PF
    ALU_CARRY_IN sbb, ax, 0, 0, 0xFFFF, FL_CF | FL_SF | FL_AF | FL_PF
    LOGIC and, ax, 0x8001, 0x8100, 0x8000, FL_SF | FL_PF
    mov eax, 0xAAAA5555
    add ax, 0xAAAB                      ; upper half untouched
    EXPECT_FLAGS FL_CF | FL_ZF | FL_AF | FL_PF
    EXPECT_EQ eax, 0xAAAA0000
    mov ax, 0x00F0
    cbw
    cwd
    movzx eax, dx
    EXPECT_EQ eax, 0xFFFF
    add ax, -1                          ; sign-extended immediate form 83 /0
    movzx eax, ax
    EXPECT_EQ eax, 0xFFFE
    ret

alu_32:
    GROUP "ALU 32 bits"
    ALU add, eax, 0x7FFFFFFF, 1, 0x80000000, FL_OF | FL_SF | FL_AF | FL_PF
    ALU add, eax, 0xFFFFFFFF, 1, 0, FL_CF | FL_ZF | FL_AF | FL_PF
    ALU sub, eax, 0x80000000, 1, 0x7FFFFFFF, FL_OF | FL_AF | FL_PF
    ALU cmp, eax, 1, 2, 1, FL_CF | FL_SF | FL_AF | FL_PF
    ALU_CARRY_IN adc, eax, 0x7FFFFFFF, 0, 0x80000000, FL_OF | FL_SF | FL_AF | FL_PF
    ALU_CARRY_IN sbb, eax, 0x80000000, 0x7FFFFFFF, 0, FL_OF | FL_ZF | FL_AF | FL_PF
    LOGIC xor, eax, 0x12345678, 0x12345678, 0, FL_ZF | FL_PF
    mov eax, 0x80000000
    mov ebx, 0x80000000
    mov ecx, 3
    xadd eax, ebx                       ; 486: EBX gets the old EAX
    EXPECT_FLAGS FL_CF | FL_OF | FL_ZF | FL_PF
    EXPECT_EQ ebx, 0x80000000
    EXPECT_EQ eax, 0
    cmpxchg ecx, ebx                    ; EAX = 0, ECX = 3: not equal, EAX = 3
    EXPECT_EQ eax, 3
    EXPECT_FLAGS FL_CF | FL_SF | FL_AF  ; flags of CMP 0, 3
    cmpxchg ecx, ebx                    ; equal: ECX = EBX
    EXPECT_FLAGS FL_ZF | FL_PF
    EXPECT_EQ ecx, 0x80000000
    mov eax, 0x01020304
    bswap eax
    EXPECT_EQ eax, 0x04030201
    mov eax, 0x8000
    cwde
    EXPECT_EQ eax, 0xFFFF8000
    cdq
    EXPECT_EQ edx, 0xFFFFFFFF
    ret

carry_chains:
    GROUP "carry across INC, LOOP, LEA, MOV"
    ; The classic multi-precision loop: nothing in it but ADC may touch CF.
    push word 0
    pop ds
    mov di, 0x1000
    mov cx, 8
    mov al, 0xFF
.fill:
    mov [di], al
    inc di
    loop .fill
    mov si, 0x1000
    mov cx, 8
    stc
.add:
    adc byte [si], 0
    inc si
    lea bx, [si + 7]
    mov dx, bx
    loop .add
    EXPECT_FLAGS FL_CF, FL_CF
    EXPECT_EQ [0x1000], 0
    EXPECT_EQ [0x1004], 0
    cmc
    EXPECT_FLAGS 0, FL_CF
    mov ah, 0xD5
    sahf
    EXPECT_FLAGS FL_SF | FL_ZF | FL_AF | FL_PF | FL_CF, FL_STATUS & ~FL_OF
    mov ah, 0
    lahf
    movzx eax, ah
    EXPECT_EQ eax, 0xD7                 ; bit 1 reads as one, bits 3 and 5 as zero
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
shifts:
    GROUP "shifts and rotates"
    mov al, 0x81
    clc
    shl al, 1
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF | FL_ZF | FL_SF | FL_PF     ; OF = CF xor the new sign
    mov al, 0x81
    shr al, 1
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF                             ; OF = the old sign
    mov al, 0x81
    sar al, 1
    EXPECT_FLAGS FL_CF | FL_SF | FL_PF, FL_CF | FL_OF | FL_SF | FL_ZF | FL_PF
    movzx eax, al
    EXPECT_EQ eax, 0xC0
    ; A count of zero (after masking to five bits) changes no flag at all
    xor ax, ax
    stc
    mov cl, 32
    mov ebx, 0x80000001
    shl ebx, cl
    EXPECT_FLAGS FL_CF | FL_ZF | FL_PF, FL_CF | FL_ZF | FL_PF
    EXPECT_EQ ebx, 0x80000001
    ; 8 and 16-bit shifts are not masked to their width: 9 shifts everything out
    mov al, 0xFF
    mov cl, 9
    shl al, cl
    EXPECT_FLAGS FL_ZF | FL_PF, FL_ZF | FL_PF | FL_SF
    mov ax, 0x8000
    mov cl, 16
    sar ax, cl
    EXPECT_FLAGS FL_CF | FL_SF | FL_PF, FL_CF | FL_SF | FL_PF | FL_ZF
    movzx eax, ax
    EXPECT_EQ eax, 0xFFFF
    ; RCL through the carry: 9 steps of an 8-bit register are the identity
    mov al, 0x5A
    stc
    mov cl, 9
    rcl al, cl
    EXPECT_FLAGS FL_CF, FL_CF
    movzx eax, al
    EXPECT_EQ eax, 0x5A
    mov ax, 0x1234
    clc
    mov cl, 17
    rcr ax, cl
    EXPECT_FLAGS 0, FL_CF
    movzx eax, ax
    EXPECT_EQ eax, 0x1234
    mov al, 0x80
    rol al, 1
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF
    movzx eax, al
    EXPECT_EQ eax, 0x01
    ror al, 1
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF
    mov ax, 0x1234
    mov cl, 8
    rol ax, cl
    movzx eax, ax
    EXPECT_EQ eax, 0x3412
    ; rotates leave SF ZF PF alone
    cmp al, al
    mov al, 0x81
    rol al, 1
    EXPECT_FLAGS FL_ZF | FL_PF | FL_CF, FL_ZF | FL_PF | FL_SF | FL_CF
    ; double shifts
    mov ax, 0x1234
    mov bx, 0xABCD
    shld ax, bx, 4
    movzx eax, ax
    EXPECT_EQ eax, 0x234A
    mov eax, 0x12345678
    mov ebx, 0x9ABCDEF0
    shrd eax, ebx, 12
    EXPECT_FLAGS FL_SF, FL_ZF | FL_SF
    EXPECT_EQ eax, 0xEF012345
    ret

multiply_divide:
    GROUP "multiply and divide"
    mov al, 0x10
    mov bl, 0x10
    mul bl
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF
    movzx eax, ax
    EXPECT_EQ eax, 0x100
    mov ax, 0x00FF
    mov bx, 1
    mul bx
    EXPECT_FLAGS 0, FL_CF | FL_OF
    mov eax, 0xFFFFFFFF
    mul eax
    EXPECT_EQ edx, 0xFFFFFFFE
    EXPECT_EQ eax, 1
    mov al, -1
    mov bl, -1
    imul bl
    EXPECT_FLAGS 0, FL_CF | FL_OF
    movzx eax, ax
    EXPECT_EQ eax, 1
    mov ax, 0x4000
    mov bx, 2
    imul bx
    EXPECT_FLAGS FL_CF | FL_OF, FL_CF | FL_OF
    imul eax, ebx, 0x7FFFFFFF
    imul cx, bx, -3
    EXPECT_FLAGS 0, FL_CF | FL_OF
    movzx ecx, cx
    EXPECT_EQ ecx, 0xFFFA
    mov edx, 1
    mov eax, 2
    mov ebx, 3
    div ebx                             ; 100000002h / 3
    EXPECT_EQ eax, 0x55555556
    EXPECT_EQ edx, 0
    mov ax, -7
    mov bl, 2
    idiv bl                             ; truncates to zero; the remainder has the dividend's sign
    movzx eax, ax
    EXPECT_EQ eax, 0xFFFD
    mov ax, -128
    mov bl, 1
    idiv bl
    movzx eax, ax
    EXPECT_EQ eax, 0x0080
    ; (more of it in divide.asm) overflow is the same exception as division by zero, and it is a fault: IP is that of the instruction, registers are intact
    mov ax, 0x1234
    mov bl, 0
    FAULTS VEC_DE, div bl
    movzx eax, ax
    EXPECT_EQ eax, 0x1234
    mov ax, 0x0100
    mov bl, 1
    FAULTS VEC_DE, div bl
    mov ax, 128
    FAULTS VEC_DE, idiv bl
    mov edx, 0xFFFFFFFF
    mov eax, 0x7FFFFFFF                 ; -2^31 - 1
    mov ebx, 1
    FAULTS VEC_DE, idiv ebx
    ret

decimal:
    GROUP "decimal adjust"
    mov al, 0x79
    add al, 0x35
    daa
    EXPECT_FLAGS FL_CF | FL_AF, FL_CF | FL_AF | FL_ZF | FL_SF
    movzx eax, al
    EXPECT_EQ eax, 0x14
    mov al, 0x35
    sub al, 0x47
    das
    EXPECT_FLAGS FL_CF | FL_AF | FL_SF, FL_CF | FL_AF | FL_SF | FL_ZF
    movzx eax, al
    EXPECT_EQ eax, 0x88
    mov ax, 0x0008
    add al, 0x09
    aaa
    EXPECT_FLAGS FL_CF | FL_AF, FL_CF | FL_AF
    movzx eax, ax
    EXPECT_EQ eax, 0x0107
    mov ax, 0x0203
    sub al, 0x07
    aas
    EXPECT_FLAGS FL_CF | FL_AF, FL_CF | FL_AF
    movzx eax, ax
    EXPECT_EQ eax, 0x0106
    mov al, 63
    aam
    EXPECT_FLAGS FL_PF, FL_PF | FL_ZF | FL_SF
    movzx eax, ax
    EXPECT_EQ eax, 0x0603
    aad
    movzx eax, ax
    EXPECT_EQ eax, 63
    mov al, 0xC5
    aam 16
    movzx eax, ax
    EXPECT_EQ eax, 0x0C05
    ret

bits_and_conditions:
    GROUP "bit operations, SETcc"
    push word 0
    pop ds
    mov eax, 0x00010000
    bt eax, 16
    EXPECT_FLAGS FL_CF, FL_CF
    btr eax, 16 + 32                    ; an immediate index is taken modulo the width
    EXPECT_EQ eax, 0
    bts ax, 15
    EXPECT_FLAGS 0, FL_CF
    movzx eax, ax
    EXPECT_EQ eax, 0x8000
    ; with a register index, memory operands reach beyond the operand, in both directions
    mov dword [0x1000], 0
    mov dword [0x1004], 0
    mov ebx, 33
    bts dword [0x1000], ebx
    EXPECT_EQ [0x1004], 2
    mov bx, -1
    btc word [0x1004], bx
    EXPECT_EQ [0x1000], 0x80000000
    mov eax, 0x00800100
    bsf ecx, eax
    EXPECT_FLAGS 0, FL_ZF
    EXPECT_EQ ecx, 8
    bsr ecx, eax
    EXPECT_EQ ecx, 23
    xor eax, eax
    bsf ecx, eax
    EXPECT_FLAGS FL_ZF, FL_ZF
    mov ax, 5
    cmp ax, -3
    setg bl
    seta bh
    setl cl
    setbe ch
    movzx eax, bl
    EXPECT_EQ eax, 1
    movzx eax, bh
    EXPECT_EQ eax, 0
    movzx eax, cl
    EXPECT_EQ eax, 0
    movzx eax, ch
    EXPECT_EQ eax, 1
    mov cx, 0
    jcxz .zero
    EXPECT_EQ 1, 0
.zero:
    mov ecx, 0x10000                    ; JCXZ looks at CX, JECXZ at ECX
    jecxz .wrong
    jcxz .right
.wrong:
    EXPECT_EQ 1, 0
.right:
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
stack_operations:
    GROUP "stack"
    mov bp, sp
    push sp                             ; since the 286 the value before the push
    pop ax
    movzx eax, ax
    movzx ebx, bp
    EXPECT_EQ eax, ebx
    push word 0x1111
    push word 0x1234
    pop word [esp]                      ; the address is computed after ESP was raised: overwrites the word above
    pop ax
    movzx eax, ax
    EXPECT_EQ eax, 0x1234
    ; PUSHA pushes the SP from before it, POPA skips it
    mov ax, 1
    mov cx, 2
    mov dx, 3
    mov bx, 4
    mov si, 6
    mov di, 7
    pusha
    mov bp, sp
    movzx eax, word [bp + 6]            ; the pushed SP
    movzx ebx, bp
    add ebx, 16
    EXPECT_EQ eax, ebx
    EXPECT_EQ [bp + 12], 0x00010002     ; CX, AX
    mov word [bp + 6], 0x5555
    mov word [bp + 4], bp               ; BP survives in place
    add word [bp + 4], 16
    popa
    movzx ebx, sp
    movzx eax, bp
    EXPECT_EQ eax, ebx
    movzx eax, dx
    EXPECT_EQ eax, 3
    ; PUSH imm8 is sign-extended to the operand size
    push byte -2
    pop ax
    movzx eax, ax
    EXPECT_EQ eax, 0xFFFE
    push dword -2
    pop eax
    EXPECT_EQ eax, 0xFFFFFFFE
    ; ENTER with nesting copies the display
    mov bp, sp
    push word 0x1111                    ; display of the enclosing level: at BP - 2
    mov di, sp
    enter 4, 2
    movzx eax, sp
    movzx ebx, di
    sub ebx, 2 + 2 + 2 + 4              ; BP, copied frame pointer, own frame pointer, 4 bytes of locals
    EXPECT_EQ eax, ebx
    movzx eax, word [bp - 2]
    EXPECT_EQ eax, 0x1111
    movzx eax, word [bp - 4]
    movzx ebx, bp
    EXPECT_EQ eax, ebx
    leave
    movzx eax, sp
    movzx ebx, di
    EXPECT_EQ eax, ebx
    pop ax
    ; POPF in real mode changes IF and IOPL; VM and RF are out of reach, bit 15 is zero, bit 1 one
    push word 0x7002
    popf
    pushf
    pop ax
    movzx eax, ax
    EXPECT_EQ eax, 0x7002
    push word 0x8000
    popf
    pushf
    pop ax
    movzx eax, ax
    EXPECT_EQ eax, 0x0002
    pushfd
    or dword [esp], FL_VM | FL_RF
    popfd
    pushfd
    pop eax
    and eax, FL_VM | FL_RF
    EXPECT_EQ eax, 0
    ; the stack wraps at 64 KiB: SP = 0 pushes to SS:FFFE
    mov bp, sp
    mov ax, 0x3000
    mov ss, ax
    xor sp, sp
    push word 0xBEEF
    movzx ecx, sp
    pop dx
    movzx ebx, sp
    xor ax, ax
    mov ss, ax
    mov sp, bp
    EXPECT_EQ ecx, 0xFFFE
    EXPECT_EQ ebx, 0
    push word 0x3000
    pop ds
    movzx eax, word [0xFFFE]
    EXPECT_EQ eax, 0xBEEF
    xor ax, ax
    mov ds, ax
    ret

far_transfers:
    GROUP "far calls and returns"
    xor ax, ax
    mov ds, ax
    mov bp, sp
    call 0xF000:.far_target
    movzx eax, sp
    movzx ebx, bp
    EXPECT_EQ eax, ebx
    EXPECT_EQ edx, 0x600D
    ; the same through memory, 16:16 and 16:32
    mov word [0x1000], .far_target
    mov word [0x1002], 0xF000
    xor edx, edx
    call far [0x1000]
    EXPECT_EQ edx, 0x600D
    mov dword [0x1000], .far_target32
    mov word [0x1004], 0xF000
    xor edx, edx
    call dword far [0x1000]
    EXPECT_EQ edx, 0x32
    ; RETF n drops the parameters
    mov bp, sp
    push word 0x1111
    push word 0x2222
    push cs
    call .pops_parameters
    movzx eax, sp
    movzx ebx, bp
    EXPECT_EQ eax, ebx
    EXPECT_EQ edx, 0x1111
    ; another paragraph of the same code: CS is only a base
    push word 0xF000 + 1
    push word .other_segment - 16
    retf
.other_segment:
    mov dx, cs
    jmp 0xF000:.back
.back:
    movzx edx, dx
    EXPECT_EQ edx, 0xF001
    ; near indirect transfers take 16 bits of offset
    mov bx, .near
    mov edx, 1
    jmp bx
    mov edx, 2
.near:
    EXPECT_EQ edx, 1
    ; LES, LDS, LSS
    mov dword [0x1000], 0x12345678
    les bx, [0x1000]
    mov ax, es
    movzx eax, ax
    EXPECT_EQ eax, 0x1234
    movzx ebx, bx
    EXPECT_EQ ebx, 0x5678
    xor ax, ax
    mov es, ax
    ret
.far_target:
    mov edx, 0x600D
    retf
.far_target32:
    mov edx, 0x32
    o32 retf
.pops_parameters:
    mov bx, sp
    movzx edx, word [ss:bx + 6]
    retf 4

interrupts:
    GROUP "INT, INTO, BOUND, IRET"
    xor ax, ax
    mov ds, ax
    mov si, sp
    push dword 0x00000002 | FL_CF | FL_IF
    popfd
    TRY
.int:
    int 0x60
.after:
    END_TRY
    EXPECT_FAULT 0x60, .after           ; a trap: IP is the next instruction
    EXPECT_EQ [caught_flags], 0x0002 | FL_CF | FL_IF      ; flags as pushed: IF still on
    movzx eax, si
    sub eax, 6
    EXPECT_EQ [caught_sp], eax
    cli
    TRY
    int3
.after3:
    END_TRY
    EXPECT_FAULT VEC_BP, .after3
    TRY
    db 0xCD, 3                          ; the two-byte form
.after3b:
    END_TRY
    EXPECT_FAULT VEC_BP, .after3b
    mov al, 0x7F
    add al, 1                           ; OF
    TRY
    into
.aftero:
    END_TRY
    EXPECT_FAULT VEC_OF, .aftero
    xor al, al
    TRY
    into                                ; OF clear: nothing
    END_TRY
    EXPECT_FAULT VEC_NONE
    mov word [0x1000], -5
    mov word [0x1002], 10
    mov ax, 10
    TRY
    bound ax, [0x1000]
    END_TRY
    EXPECT_FAULT VEC_NONE
    mov ax, 11
    FAULTS VEC_BR, {bound ax, [0x1000]} ; a fault: IP of the BOUND
    FAULTS VEC_UD, ud2
    FAULTS VEC_UD, {db 0x0F, 0x00, 0xC8}    ; STR and its family do not exist in real mode
    FAULTS VEC_UD, {arpl ax, ax}
    FAULTS VEC_UD, {db 0xF0, 0x90}      ; LOCK on an instruction that does not write memory
    ; a handler of our own, and IRET restoring CS:IP, flags and IF
    mov word [0x61 * 4], .handler
    mov word [0x61 * 4 + 2], 0xF000
    push word 2 | FL_IF | FL_CF | FL_ZF
    popf
    int 0x61
    EXPECT_FLAGS FL_IF | FL_CF | FL_ZF, FL_IF | FL_CF | FL_ZF | FL_TF
    cli
    EXPECT_EQ edx, 0                    ; the handler saw IF and TF clear
    mov word [0x61 * 4], stubs + 0x61 * 8
    ; single step: the trap comes after the instruction that follows POPF, with TF clear in the handler
    TRY
    push word 2 | FL_TF
    popf
    nop
.stepped:
    nop
    END_TRY
    EXPECT_FAULT VEC_DB, .stepped
    ; the vector table can move: LIDT works in real mode
    mov cx, 1024
    cld
    xor si, si
    mov di, 0x2000
    xor ax, ax
    mov es, ax
    rep movsb
    mov word [0x2000 + 0x62 * 4], .moved
    mov word [0x1000], 0x3FF
    mov dword [0x1002], 0x2000
    lidt [0x1000]
    xor edx, edx
    int 0x62
    EXPECT_EQ edx, 0x62
    ; beyond the limit of the table: #GP, with the IP of the INT
    mov word [0x1000], 0x62 * 4 + 2
    lidt [0x1000]
    FAULTS VEC_GP, int 0x62
    mov word [0x1000], 0x3FF
    mov dword [0x1002], 0
    lidt [0x1000]
    ret
.handler:
    pushf
    pop dx
    movzx edx, dx
    and edx, FL_IF | FL_TF
    stc
    iret
.moved:
    mov edx, 0x62
    iret

; ---------------------------------------------------------------------------------------------------------------------------------
segment_ends:
    GROUP "accesses across the end of a segment"
    xor ax, ax
    mov ds, ax
    mov es, ax
    ; The 8086 wrapped a word at FFFF to offset 0. Since the 286 it is a fault: #GP, and #SS through the stack segment.
    mov bx, 0xFFFF
    FAULTS VEC_GP, {mov ax, [bx]}
    FAULTS VEC_GP, {mov [bx], ax}
    mov bx, 0xFFFD
    FAULTS VEC_GP, {mov eax, [bx]}
    RUNS mov ax, [bx]
    mov bp, 0xFFFF
    FAULTS VEC_SS, {mov ax, [bp]}
    mov bp, 0xFFFE
    FAULTS VEC_SS, {mov eax, [bp]}
    ; 32-bit offsets above FFFF
    mov ebx, 0x10000
    FAULTS VEC_GP, {mov al, [ebx]}
    mov ebp, 0x10000
    FAULTS VEC_SS, {mov al, [ebp]}
    FAULTS VEC_GP, {mov al, [ds:ebp]}
    ; 16-bit address arithmetic wraps before the access, so this is offset 0FFFh
    mov dword [0x0FFF], 0xCAFE
    mov bx, 0x1000
    mov si, 0xFFFF
    movzx eax, word [bx + si]
    EXPECT_EQ eax, 0xCAFE
    ; Segment FFFFh reaches beyond 1 MiB with A20 open. What is there is RAM: write and read it back.
    mov ax, 0xFFFF
    mov ds, ax
    mov word [0x1000], 0x2020
    xor ax, ax
    mov ds, ax
    movzx eax, word [0x0FF0]            ; where it would land with A20 masked
    cmp ax, 0x2020
    sete al
    movzx eax, al
    EXPECT_EQ eax, 0
    ; a jump outside the segment
    mov eax, 0x10000
    TRY
.jump:
    jmp eax
    END_TRY
    EXPECT_FAULT VEC_GP, .jump
    ret

address_forms:
    GROUP "addressing forms"
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov dword [0x1010], 0x11111111
    mov dword [0x1020], 0x22222222
    mov dword [0x1030], 0x33333333
    mov bx, 0x1000
    mov si, 0x0010
    mov di, 0x0020
    mov bp, 0x1000
    mov eax, [bx + si]
    EXPECT_EQ eax, 0x11111111
    mov eax, [bx + di]
    EXPECT_EQ eax, 0x22222222
    mov eax, [bp + si + 0x20]
    EXPECT_EQ eax, 0x33333333
    mov eax, [bp + di - 0x10]
    EXPECT_EQ eax, 0x11111111
    mov si, 0x1010
    mov eax, [si + 0x7F - 0x6F]
    EXPECT_EQ eax, 0x22222222
    mov ebx, 0x1010
    mov ecx, 4
    mov eax, [ebx + ecx * 8]
    EXPECT_EQ eax, 0x33333333
    mov eax, [ecx * 4 + 0x1000]
    EXPECT_EQ eax, 0x11111111
    ; BP and ESP forms use SS, everything else DS; an override wins
    mov ax, 0x100
    mov ds, ax                          ; DS:0010 is 1010h
    mov ax, 0x101
    mov es, ax
    mov eax, [0x10]
    EXPECT_EQ eax, 0x11111111
    mov eax, [es:0x10]
    EXPECT_EQ eax, 0x22222222
    mov bp, 0x1010
    mov eax, [bp]
    EXPECT_EQ eax, 0x11111111
    mov bp, 0x30
    mov eax, [ds:bp]
    EXPECT_EQ eax, 0x33333333
    lea ax, [bp + si + 5]
    movzx eax, ax
    EXPECT_EQ eax, 0x1045
    lea eax, [ebx + ecx * 4 - 1]
    EXPECT_EQ eax, 0x101F
    ; XLAT adds unsigned AL to BX, modulo 64 KiB
    xor ax, ax
    mov ds, ax
    mov byte [0x0FFF], 0x77
    mov bx, 0x0F00
    mov al, 0xFF
    xlatb
    movzx eax, al
    EXPECT_EQ eax, 0x77
    mov es, ax
    ret

string_wrap:
    GROUP "string instructions in 16-bit segments"
    mov ax, 0x2000
    mov ds, ax
    mov ax, 0x3000
    mov es, ax
    cld
    ; SI and DI wrap from FFFF to 0
    mov byte [0xFFFF], 0xA1
    mov byte [0x0000], 0xA2
    mov si, 0xFFFF
    mov di, 0xFFFF
    mov cx, 2
    rep movsb
    movzx eax, byte [es:0xFFFF]
    EXPECT_EQ eax, 0xA1
    movzx eax, byte [es:0]
    EXPECT_EQ eax, 0xA2
    movzx eax, si
    EXPECT_EQ eax, 1
    movzx eax, di
    EXPECT_EQ eax, 1
    EXPECT_EQ ecx, 0
    ; with 16-bit addresses only the low halves count and change
    mov esi, 0x12340000
    mov edi, 0x56780010
    mov ecx, 0xFFFF0003
    rep movsw
    EXPECT_EQ esi, 0x12340006
    EXPECT_EQ edi, 0x56780016
    EXPECT_EQ ecx, 0xFFFF0000
    ; a word at FFFF faults in the middle of a REP, with the registers at that iteration
    mov di, 0xFFFB
    mov cx, 4
    mov ax, 0x5A5A
    xor ecx, ecx
    mov cl, 4
    FAULTS VEC_GP, rep stosw
    movzx eax, di
    EXPECT_EQ eax, 0xFFFF
    EXPECT_EQ ecx, 2
    ; backwards, and wrapping below zero
    xor ax, ax
    mov ds, ax
    mov es, ax
    std
    mov di, 0
    mov byte [0xFFFF], 0
    mov cx, 1
    mov al, 0x33
    rep stosb
    movzx ebx, di
    EXPECT_EQ ebx, 0xFFFF
    cld
    ; REPE CMPS and REPNE SCAS: flags and where they stop
    mov dword [0x1000], 0x44434241
    mov dword [0x1010], 0x44583241
    mov si, 0x1000
    mov di, 0x1010
    mov cx, 4
    repe cmpsb
    EXPECT_FLAGS 0, FL_ZF | FL_CF
    movzx eax, cx
    EXPECT_EQ eax, 2
    mov al, 0x43
    mov di, 0x1000
    mov cx, 10
    repne scasb
    EXPECT_FLAGS FL_ZF, FL_ZF
    movzx eax, di
    EXPECT_EQ eax, 0x1003
    ; REP with CX = 0 does nothing, and leaves the flags
    xor cx, cx
    mov ax, 1
    cmp ax, 2
    repe cmpsb
    EXPECT_FLAGS FL_CF | FL_SF | FL_AF | FL_PF
    xor eax, eax
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
unreal_mode:
    GROUP "unreal mode"
    ; Segment limits loaded in protected mode survive the return to real mode; only the base follows the selector then.
    xor ax, ax
    mov ds, ax
    o32 lgdt [cs:.gdtr]
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    jmp $ + 2
    mov bx, 8
    mov ds, bx
    mov es, bx
    and al, ~CR0_PE
    mov cr0, eax
    jmp 0xF000:.real
.real:
    xor ax, ax
    mov ds, ax                          ; base 0, and the 4 GiB limit stays
    mov es, ax
    mov ebx, 0x200000
    mov dword [ebx], 0x12345678
    mov eax, [dword 0x200000]
    EXPECT_EQ eax, 0x12345678
    mov ax, 0x1000
    mov ds, ax                          ; base 10000h with the big limit
    mov eax, [ebx - 0x10000]
    EXPECT_EQ eax, 0x12345678
    ; the copy of the ROM below 4 GiB
    xor ax, ax
    mov ds, ax
    mov ebx, 0xFFFFFFF0
    movzx eax, byte [ebx]
    EXPECT_EQ eax, 0xEA
    ; 32-bit string instructions in 16-bit code
    mov esi, 0x200000
    mov edi, 0x210000
    mov ecx, 1
    a32 rep movsd
    EXPECT_EQ esi, 0x200004
    EXPECT_EQ ecx, 0
    mov ebx, 0x210000
    mov eax, [ebx]
    EXPECT_EQ eax, 0x12345678
    ; back to 64 KiB
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    jmp $ + 2
    mov bx, 16
    mov ds, bx
    mov es, bx
    and al, ~CR0_PE
    mov cr0, eax
    jmp 0xF000:.again
.again:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ebx, 0x10000
    FAULTS VEC_GP, {mov al, [ebx]}
    ret
align 8
.gdt:
    dq 0
    DESC 0, 0xFFFFF, ACC_P | ACC_DATA | ACC_WRITE, DF_G | DF_B
    DESC 0, 0xFFFF, ACC_P | ACC_DATA | ACC_WRITE, 0
.gdtr:
    dw 23
    dd 0xF0000 + .gdt
