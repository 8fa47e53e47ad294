; A boot disk that calls the services of the firmware twice and compares what they return: in real mode, and as the 8086 program of a V86 monitor of the
; class of EMM386 and Windows. The monitor moves all memory below 640 KiB elsewhere by page tables (what was there is overwritten), shows the system ROM
; by its alias below 4 GiB, runs the program with IOPL 0 and a virtual interrupt flag, reflects interrupts through the program's vectors, and denies every
; port: it does the IN and OUT that trap itself, after decoding the instruction.
;
; Prints on port E9h: "K" when the program waits for a key, then the traps of IN and OUT in hexadecimal, and "=" when all results are the same, else "!".
; nasm -f bin -o V86Monitor.bin V86Monitor.asm
bits 16
cpu 486
org 0x7C00

LOW_COPY    equ 0x400000                ; where memory below 640 KiB goes
TABLES      equ 0x200000                ; page directory, then tables
STACK32     equ 0x9F000
STACK16     equ 0x7B00
RESULTS_16  equ 0x3000
RESULTS_V86 equ 0x4000
SECTOR      equ 0x5000                  ; where the program reads and writes disks
IRQ_BASE    equ 0x50
SEL_CODE    equ 0x08
SEL_DATA    equ 0x10
SEL_TSS     equ 0x18
FLAG_IF     equ 0x0200
FLAG_VM     equ 0x20000

start:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, STACK16
    sti
    mov ax, 0x0200 + (end - main + 511) / 512
    mov bx, 0x7E00
    mov cx, 2
    xor dx, dx
    int 0x13
    jc $
    jmp main

    times 510 - ($ - $$) db 0
    dw 0xAA55

main:
    mov word [out_place], RESULTS_16
    call program
    mov byte [in_v86], 1
    mov word [out_place], RESULTS_V86
    mov ax, 0x2401
    int 0x15
    cli
    ; the interrupt controllers' vectors away from those of exceptions, with the masks that the firmware chose
    in al, 0x21
    mov ah, al
    in al, 0xA1
    push ax
    mov al, 0x11
    out 0x20, al
    out 0xA0, al
    mov al, IRQ_BASE
    out 0x21, al
    mov al, IRQ_BASE + 8
    out 0xA1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xA1, al
    mov al, 1
    out 0x21, al
    out 0xA1, al
    pop ax
    out 0xA1, al
    mov al, ah
    out 0x21, al
    lgdt [gdtr]
    lidt [idtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp SEL_CODE:monitor

; ---------------------------------------------------------------------------------------------------------------------------------
; The program. RESULT stores AX, BX, CX, DX and CF.
%macro RESULT 0
    call store
%endmacro

store:
    push di
    mov di, [cs:out_place]
    mov [cs:di], ax
    mov [cs:di + 2], bx
    mov [cs:di + 4], cx
    mov [cs:di + 6], dx
    setc [cs:di + 8]
    pushf
    add word [cs:out_place], 10
    popf
    pop di
    ret

program:
    xor bx, bx
    xor cx, cx
    xor dx, dx
    int 0x11
    RESULT
    int 0x12
    RESULT
    ; video: modes, colors, fonts, pixels, planes, scrolling
    mov ax, 0x0013
    int 0x10
    mov ax, 0x0C5A
    xor bx, bx
    mov cx, 300
    mov dx, 150
    int 0x10
    mov ah, 0x0D
    int 0x10
    RESULT
    mov ax, 0x1015                      ; a color register
    mov bx, 0x20
    int 0x10
    RESULT
    mov ax, 0x0012
    int 0x10
    mov ax, 0x0E41
    mov bx, 0x0C
    int 0x10
    mov ax, 0x0601
    mov bx, 0x0200
    xor cx, cx
    mov dx, 0x1D4F
    int 0x10
    mov ax, 0x0C03
    mov cx, 639
    mov dx, 479
    xor bx, bx
    int 0x10
    mov ah, 0x0D
    int 0x10
    RESULT
    mov ax, 0x4F02
    mov bx, 0x0101
    int 0x10
    RESULT
    mov ax, 0x4F03
    int 0x10
    RESULT
    mov ax, 0x4F06
    mov bx, 1
    int 0x10
    RESULT
    mov ax, 0x4F07
    mov bx, 0x0080
    xor cx, cx
    mov dx, 3
    int 0x10
    RESULT
    mov ax, 0x4F07
    mov bx, 1
    int 0x10
    RESULT
    mov ax, 0x0003
    int 0x10
    mov ax, 0x1112
    xor bx, bx
    int 0x10
    mov ax, 0x0003
    int 0x10
    mov si, text
.character:
    lodsb
    test al, al
    jz .printed
    mov ah, 0x0E
    mov bx, 7
    int 0x10
    jmp .character
.printed:
    mov ah, 3
    xor bx, bx
    int 0x10
    RESULT
    mov ah, 8
    int 0x10
    RESULT
    ; disk
    mov ax, 0x0201
    mov bx, SECTOR
    mov cx, 1
    xor dx, dx
    int 0x13
    RESULT
    mov ax, [SECTOR + 510]
    RESULT
    mov dword [SECTOR], 0x12345678
    mov ax, 0x0301
    mov cx, 0x4F09
    mov dx, 0x0100
    int 0x13
    RESULT
    mov ah, 8
    xor dx, dx
    int 0x13
    RESULT
    push cs
    pop es
    ; serial port
    mov ax, 0x00E3
    mov dx, 0
    int 0x14
    RESULT
    mov ah, 3
    int 0x14
    RESULT
    ; system
    mov ah, 0x88
    int 0x15
    RESULT
    mov ax, 0xE801
    int 0x15
    RESULT
    mov ax, 0x2402
    int 0x15
    RESULT
    mov ah, 0xC0
    int 0x15
    mov dx, es
    RESULT
    push cs
    pop es
    mov ah, 0x86                        ; 3 ms
    xor cx, cx
    mov dx, 3000
    int 0x15
    RESULT
    mov ax, 0x5305
    int 0x15
    RESULT
    ; keyboard: one from the buffer, one that is to come
    mov ah, 5
    mov cx, 0x1E61
    int 0x16
    RESULT
    mov ah, 0
    int 0x16
    RESULT
    cmp byte [in_v86], 0
    je .time
    mov al, 'K'
    out 0xE9, al
    mov ah, 0x10
    int 0x16
    cmp ax, 0x3062
    jne .wrong
    ; clock: a tick passes
.time:
    mov ah, 0
    int 0x1A
    mov bx, dx
.tick:
    sti
    hlt
    mov ah, 0
    int 0x1A
    cmp bx, dx
    je .tick
    xor bx, bx
    mov ah, 4
    int 0x1A
    RESULT
    mov ah, 2
    int 0x1A
    mov al, dl
    mov cx, 0
    mov dx, 0
    mov ax, 0
    mov bx, 0
    RESULT
    mov ax, 0xB102                      ; PCI: the ISA bridge
    mov cx, 0x7000
    mov dx, 0x8086
    xor si, si
    int 0x1A
    RESULT
    mov ah, 1
    mov dx, 0
    int 0x17
    RESULT
    cmp byte [in_v86], 0
    je .done
    cli
    hlt                                 ; the monitor ends here
.done:
    ret
.wrong:
    mov word [RESULTS_V86], 0xFFFF
    cli
    hlt

text: db 13, 10, "Services", 0
in_v86: db 0
    align 2, db 0
out_place: dw 0

; ---------------------------------------------------------------------------------------------------------------------------------
bits 32
monitor:
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, STACK32
    cld
    ; page tables: low memory moved, the ROM by its alias, video memory and ROM where they are; 4 to 8 MiB for a look at what is below 640 KiB
    mov edi, TABLES
    xor eax, eax
    mov ecx, 3 * 1024
    rep stosd
    mov dword [TABLES], TABLES + 0x1007
    mov dword [TABLES + 4], TABLES + 0x2003
    mov edi, TABLES + 0x1000
    xor ebx, ebx
.page:
    mov eax, ebx
    shl eax, 12
    cmp ebx, 0xA0
    jae .high
    add eax, LOW_COPY
.high:
    cmp ebx, 0xF0
    jb .set
    cmp ebx, 0x100
    jae .set
    or eax, 0xFFF00000
.set:
    or eax, 7
    mov [edi + ebx * 4], eax
    mov eax, ebx
    shl eax, 12
    or eax, 3
    mov [edi + 0x1000 + ebx * 4], eax
    inc ebx
    cmp ebx, 0x400
    jb .page
    ; exceptions and interrupts
    mov edi, idt
    mov ebx, fault_stubs
    mov ecx, 0x60
.gate:
    mov eax, ebx
    mov [edi], ax
    mov word [edi + 2], SEL_CODE
    mov word [edi + 4], 0x8E00
    shr eax, 16
    mov [edi + 6], ax
    add edi, 8
    add ebx, 9
    loop .gate
    mov edi, tss
    mov ecx, 104 / 4
    xor eax, eax
    rep stosd
    mov ecx, 8193
    mov al, 0xFF
    rep stosb
    mov dword [tss + 4], STACK32
    mov dword [tss + 8], SEL_DATA
    mov word [tss + 0x66], io_map - tss
    mov ax, SEL_TSS
    ltr ax
    xor esi, esi
    mov edi, LOW_COPY
    mov ecx, 0xA0000 / 4
    rep movsd
    mov eax, TABLES
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    jmp .paging
.paging:
    mov edi, 0x400000                   ; by the second table: physical memory below 640 KiB
    mov ecx, 0xA0000 / 4
    mov eax, 0xCCCCCCCC
    rep stosd
    mov byte [virtual_if], 1
    push dword 0                        ; GS FS DS ES
    push dword 0
    push dword 0
    push dword 0
    push dword 0                        ; SS
    push dword STACK16
    push dword FLAG_VM | FLAG_IF | 2
    push dword 0
    push dword program
    iretd

; Vector n starts at fault_stubs + 9 n. Exceptions without an error code push one.
%macro fault_stub 1
%%start:
%if %1 != 8 && %1 != 17 && (%1 < 10 || %1 > 14)
    push byte 0
%endif
    push byte %1
%if %1 >= IRQ_BASE
    jmp near interrupted
%elif %1 == 13
    jmp near protection
%else
    jmp near unexpected
%endif
    times 9 - ($ - %%start) nop
%endmacro
fault_stubs:
%assign n 0
%rep 0x60
    fault_stub n
    %assign n n + 1
%endrep

struc frame                             ; from EBP
.edi:    resd 1
.esi:    resd 1
.ebp:    resd 1
.esp:    resd 1
.ebx:    resd 1
.edx:    resd 1
.ecx:    resd 1
.eax:    resd 1
.vector: resd 1
.error:  resd 1
.eip:    resd 1
.cs:     resd 1
.eflags: resd 1
.sp:     resd 1
.ss:     resd 1
endstruc

unexpected:
    pushad
    mov ebp, esp
    mov ax, SEL_DATA
    mov ds, ax
    mov al, '#'
    out 0xE9, al
    mov eax, [ebp + frame.vector]
    call hexadecimal
    mov eax, [ebp + frame.cs]
    call hexadecimal
    mov eax, [ebp + frame.eip]
    call hexadecimal
    jmp stop

; An interrupt of a device: it is the program's, as soon as that has interrupts on.
interrupted:
    pushad
    mov ebp, esp
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    mov ecx, [ebp + frame.vector]
    sub ecx, IRQ_BASE
    bts [pending], ecx
    test dword [ebp + frame.eflags], FLAG_VM
    jnz resume
    popad                               ; the monitor itself was halted
    add esp, 8
    iretd

; Back to the program, which gets an interrupt that waits.
resume:
    cmp byte [virtual_if], 0
    je .out
    bsf ecx, [pending]
    jz .out
    btr [pending], ecx
    lea eax, [ecx + 8]
    cmp ecx, 8
    jb .vector
    lea eax, [ecx + 0x70 - 8]
.vector:
    call reflect
.out:
    popad
    add esp, 8
    iretd

; The program enters interrupt EAX as an 8086 would.
reflect:
    movzx ebx, ax
    call flags
    call push16
    mov eax, [ebp + frame.cs]
    call push16
    mov eax, [ebp + frame.eip]
    call push16
    mov byte [virtual_if], 0
    movzx eax, word [ebx * 4]
    mov [ebp + frame.eip], eax
    movzx eax, word [ebx * 4 + 2]
    mov [ebp + frame.cs], eax
    ret

flags:                                  ; EAX = flags as the program sees them
    mov eax, [ebp + frame.eflags]
    and eax, ~FLAG_IF
    cmp byte [virtual_if], 0
    je .off
    or eax, FLAG_IF
.off:
    ret

set_flags:                              ; AX = flags as the program sets them
    bt eax, 9
    setc [virtual_if]
    and eax, 0x0CD5
    and dword [ebp + frame.eflags], ~0x0CD5
    or [ebp + frame.eflags], eax
    ret

push16:                                 ; AX
    sub word [ebp + frame.sp], 2
    call stack
    mov [edi], ax
    ret

pop16:                                  ; EAX
    call stack
    movzx eax, word [edi]
    add word [ebp + frame.sp], 2
    ret

stack:
    movzx edi, word [ebp + frame.ss]
    shl edi, 4
    push eax
    movzx eax, word [ebp + frame.sp]
    add edi, eax
    pop eax
    ret

; #GP: the instruction that the program may not execute is decoded and done in its place.
protection:
    pushad
    mov ebp, esp
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    test dword [ebp + frame.eflags], FLAG_VM
    jz .unexpected
    movzx esi, word [ebp + frame.cs]
    shl esi, 4
    add esi, [ebp + frame.eip]
    mov edx, esi
    xor ecx, ecx                        ; whether there was a prefix 66h
.prefix:
    lodsb
    cmp al, 0x66
    jne .opcode
    inc ecx
    jmp .prefix
.opcode:
    cmp al, 0xFA
    je .cli
    cmp al, 0xFB
    je .sti
    cmp al, 0x9C
    je .pushf
    cmp al, 0x9D
    je .popf
    cmp al, 0xCF
    je .iret
    cmp al, 0xCD
    je .int
    cmp al, 0xF4
    je .hlt
    mov bl, al
    and bl, 0xF4
    cmp bl, 0xE4
    je .port
.unexpected:
    popad
    jmp unexpected
.cli:
    mov byte [virtual_if], 0
    jmp .done
.sti:
    mov byte [virtual_if], 1
    cmp byte [esi], 0xF4                ; the shadow of STI: STI, HLT does not lose the interrupt that it waits for
    jne .done
    call .forward
    jmp resume.out
.pushf:
    call flags
    call push16
    jmp .done
.popf:
    call pop16
    call set_flags
    jmp .done
.iret:
    call pop16
    mov [ebp + frame.eip], eax
    call pop16
    mov [ebp + frame.cs], eax
    call pop16
    call set_flags
    jmp resume
.int:
    lodsb
    call .forward
    movzx eax, al
    call reflect
    jmp resume
.hlt:
    call .forward
    cmp byte [virtual_if], 0
    je finished
.wait:
    cmp dword [pending], 0
    jne resume
    sti
    hlt
    cli
    jmp .wait
.port:
    inc dword [traps]
    movzx edx, word [ebp + frame.edx]
    test al, 8
    jnz .by_dx
    movzx edx, byte [esi]
    inc esi
.by_dx:
    call .forward
    mov bl, al
    mov eax, [ebp + frame.eax]
    test bl, 2
    jnz .output
    test bl, 1
    jz .in_byte
    test ecx, ecx
    jz .in_word
    in eax, dx
    jmp .input
.in_word:
    in ax, dx
    jmp .input
.in_byte:
    in al, dx
.input:
    mov [ebp + frame.eax], eax
    jmp resume
.output:
    test bl, 1
    jz .out_byte
    test ecx, ecx
    jz .out_word
    out dx, eax
    jmp resume
.out_word:
    out dx, ax
    jmp resume
.out_byte:
    out dx, al
    jmp resume
.done:
    call .forward
    jmp resume
.forward:                               ; the program goes on at ESI
    push eax
    movzx eax, word [ebp + frame.cs]
    shl eax, 4
    neg eax
    add eax, esi
    mov [ebp + frame.eip], ax
    pop eax
    ret

finished:
    mov eax, [traps]
    call hexadecimal
    mov esi, RESULTS_16
    mov edi, RESULTS_V86
    movzx ecx, word [out_place]
    sub ecx, edi
    repe cmpsb
    mov al, '='
    je .same
    mov al, '!'
    out 0xE9, al
    lea eax, [esi - 1 - RESULTS_16]
    call hexadecimal
    mov al, [esi - 1]
    call hexadecimal
    mov al, [edi - 1]
    call hexadecimal
    jmp stop
.same:
    out 0xE9, al
stop:
    cli
    hlt
    jmp stop

hexadecimal:                            ; EAX
    mov ecx, 8
.digit:
    rol eax, 4
    push eax
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    out 0xE9, al
    pop eax
    loop .digit
    ret

    align 8, db 0
gdt:
    dq 0
    dq 0x00CF9B000000FFFF
    dq 0x00CF93000000FFFF
    dw tss_end - tss - 1, tss, 0x8900, 0
gdtr: dw gdtr - gdt - 1
    dd gdt
idtr: dw 0x60 * 8 - 1
    dd idt
virtual_if: db 0
    align 4, db 0
pending: dd 0
traps: dd 0
end:

idt equ 0x6000
tss equ 0xC000
io_map equ tss + 104
tss_end equ io_map + 8193               ; every port is denied
