; The tests of floating point and of packed numbers: x87, MMX, SSE, SSE2. SDM volume 1, chapters 8 to 11.

test_x87:
    fninit
    fld1
    fild dword [test_three]
    fdivp st1, st0                      ; 1/3 in 64 bits of mantissa
    fstp tword [test_buffer]
    cmp dword [test_buffer], 0xAAAAAAAB
    EXPECT e
    cmp dword [test_buffer + 4], 0xAAAAAAAA
    EXPECT e
    cmp word [test_buffer + 8], 0x3FFD
    EXPECT e
    mov word [test_control], 0x077F     ; rounded down
    fldcw [test_control]
    fld1
    fild dword [test_three]
    fdivp st1, st0
    fstp tword [test_buffer]
    cmp dword [test_buffer], 0xAAAAAAAA
    EXPECT e
    fninit
    fldpi                               ; constants and the square root
    fstp tword [test_buffer]
    cmp dword [test_buffer], 0x2168C235
    EXPECT e
    fild dword [test_two]
    fsqrt
    fstp tword [test_buffer]
    cmp dword [test_buffer], 0xF9DE6484
    EXPECT e
    cmp dword [test_buffer + 4], 0xB504F333
    EXPECT e
    fldpi                               ; the sine of pi / 6 is 1/2, as near as pi can be
    fild dword [test_six]
    fdivp st1, st0
    fsin
    fstp dword [test_buffer]
    cmp dword [test_buffer], 0x3F000000
    EXPECT e
    fld1
    fld1
    fpatan                              ; the arc tangent of 1 is pi / 4
    fadd st0, st0
    fadd st0, st0
    fldpi
    fcompp
    fnstsw ax
    sahf
    EXPECT e
    fild dword [test_minus_seven]       ; conversions: rounded to even, and to 18 decimal digits
    fidiv dword [test_two]
    fistp dword [test_buffer]
    cmp dword [test_buffer], -4
    EXPECT e
    fild dword [test_minus_seven]
    fbstp [test_buffer]
    cmp dword [test_buffer], 7
    EXPECT e
    cmp byte [test_buffer + 9], 0x80
    EXPECT e
    fld1                                ; the remainder
    fadd st0, st0
    fild dword [test_minus_seven]
    fprem
    fstp dword [test_buffer]
    cmp dword [test_buffer], 0xBF800000
    EXPECT e
    fninit
    ret

test_x87_exceptions:
    fninit
    fld1
    fldz
    fdivp st1, st0                      ; masked: infinity, and the flag
    fnstsw ax
    test al, 4
    EXPECT nz
    fstp dword [test_buffer]
    cmp dword [test_buffer], 0x7F800000
    EXPECT e
    fnclex
    fstp st0                            ; the stack is empty: invalid, stack fault, underflow
    fnstsw ax
    and ax, 0x0241
    cmp ax, 0x0041
    EXPECT e
    fninit
    fldz
    fldz
    fdivp st1, st0                      ; 0/0 is no number
    fxam
    fnstsw ax
    and ah, 0x45
    cmp ah, 0x01
    EXPECT e
    fninit
    mov word [test_control], 0x037B     ; division by zero unmasked: the next x87 instruction reports it
    fldcw [test_control]
    fld1
    fldz
    fdivp st1, st0
    FAULT 16, fwait
    fninit
    mov eax, cr0                        ; with TS set, an x87 instruction raises #NM
    or eax, CR0_TS
    cli
    mov cr0, eax
    FAULT 7, fnop
    clts
    sti
    ret

test_mmx:
    NEEDS FEATURE_MMX
    movq mm0, [test_packed]
    paddb mm0, [test_packed]            ; 01 7F 80 FF ... twice, each byte for itself
    movq [test_buffer], mm0
    cmp dword [test_buffer], 0xFE00FE02
    EXPECT e
    movq mm0, [test_packed]
    paddsb mm0, mm0                     ; with saturation
    movq [test_buffer], mm0
    cmp dword [test_buffer], 0xFE807F02
    EXPECT e
    movq mm1, [test_packed]
    pmaddwd mm1, mm1
    punpcklbw mm1, mm1
    movq mm2, [test_packed + 8]         ; four words: 1, 2, 3, 4
    pmaddwd mm2, mm2                    ; 1 + 4, 9 + 16
    movq [test_buffer], mm2
    cmp dword [test_buffer], 5
    EXPECT e
    cmp dword [test_buffer + 4], 25
    EXPECT e
    emms
    ret

test_sse:
    NEEDS FEATURE_SSE
    movups xmm0, [test_singles]         ; 1, 2, 3, 4
    mulps xmm0, xmm0
    movups [test_buffer], xmm0
    cmp dword [test_buffer + 12], 0x41800000 ; 16
    EXPECT e
    sqrtps xmm1, xmm0
    movups [test_buffer], xmm1
    cmp dword [test_buffer + 8], 0x40400000 ; 3
    EXPECT e
    shufps xmm1, xmm1, 0x1B             ; turned round
    cvttss2si eax, xmm1
    cmp eax, 4
    EXPECT e
    movss xmm2, [test_singles]
    divss xmm2, [test_singles + 8]      ; 1/3
    movss [test_buffer], xmm2
    cmp dword [test_buffer], 0x3EAAAAAB
    EXPECT e
    comiss xmm2, [test_singles]
    EXPECT b
    FAULT 13, movaps [test_buffer + 4], xmm0 ; must be aligned
    stmxcsr [test_control_sse]
    cmp byte [test_control_sse + 1], 0x1F
    EXPECT e
    ret

test_sse2:
    NEEDS FEATURE_SSE2
    movupd xmm0, [test_doubles]         ; 0.1, 0.2
    movapd xmm1, xmm0
    shufpd xmm1, xmm1, 1
    addsd xmm0, xmm1                    ; 0.30000000000000004
    movlpd [test_buffer], xmm0
    cmp dword [test_buffer], 0x33333334
    EXPECT e
    cmp dword [test_buffer + 4], 0x3FD33333
    EXPECT e
    movdqu xmm2, [test_singles]
    pmuludq xmm2, xmm2                  ; 3F800000h squared
    movdqu [test_buffer], xmm2
    cmp dword [test_buffer + 4], 0x0FC04000
    EXPECT e
    pxor xmm2, xmm2
    pcmpeqd xmm2, xmm2
    pmovmskb eax, xmm2
    cmp eax, 0xFFFF
    EXPECT e
    ret

    section .data
    align 8, db 0
test_packed: db 0x01, 0x7F, 0x80, 0xFF, 0x10, 0x20, 0x30, 0x40
    dw 1, 2, 3, 4
test_doubles: dq 0.1, 0.2
test_singles: dd 1.0, 2.0, 3.0, 4.0
test_two: dd 2
test_three: dd 3
test_six: dd 6
test_minus_seven: dd -7
    section .bss
    alignb 4
test_control_sse: resd 1
test_control: resw 1
    section .text
