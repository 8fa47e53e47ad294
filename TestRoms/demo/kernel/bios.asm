; Calling the BIOS from protected mode. SDM volume 3, section 11.9.2.
;
; The BIOS of the display adapter is the only one who knows how to set its modes, and it is written for real mode. So the processor goes back there for
; a moment: paging off, into segments of 16 bits (the hidden limits and sizes outlive the switch), CR0.PE off, a far jump, and the interrupt
; vectors at 0, where the BIOS left them. Then all the way back. This code must lie below 1 MiB, and at the same address with and without paging; a copy
; at THUNK_ADDRESS does.
;
; Hardware interrupts stay masked meanwhile: their vectors are ours, and in real mode there would be something else.

struc BiosRegisters
    .eax            resd 1
    .ebx            resd 1
    .ecx            resd 1
    .edx            resd 1
    .esi            resd 1
    .edi            resd 1
    .es             resd 1
    .flags          resd 1
endstruc

%define LOW(label) (THUNK_ADDRESS + (label) - thunk)

bios_init:
    pushad
    mov esi, thunk
    mov edi, THUNK_ADDRESS
    mov ecx, thunk_end - thunk
    rep movsb
    popad
    ret

; bios_call: AL = interrupt number; bios_registers hold what goes in and what comes out.
bios_call:
    pushad
    pushfd
    cli
    mov [LOW(thunk_number)], al
    mov esi, bios_registers
    mov edi, LOW(thunk_registers)
    mov ecx, BiosRegisters_size / 4
    rep movsd
    in al, PIC2 + 1
    mov ah, al
    in al, PIC1 + 1
    push eax
    mov al, 0xFF
    out PIC1 + 1, al
    out PIC2 + 1, al
    mov eax, THUNK_ADDRESS
    call eax
    pop eax
    out PIC1 + 1, al
    mov al, ah
    out PIC2 + 1, al
    mov esi, LOW(thunk_registers)
    mov edi, bios_registers
    mov ecx, BiosRegisters_size / 4
    rep movsd
    popfd
    popad
    ret

thunk:
    mov [LOW(thunk_esp)], esp
    mov eax, cr3
    mov [LOW(thunk_cr3)], eax
    mov eax, cr0
    mov [LOW(thunk_cr0)], eax
    and eax, ~CR0_PG
    mov cr0, eax
    xor eax, eax
    mov cr3, eax
    jmp CODE_16:LOW(.sixteen)

    bits 16
.sixteen:
    mov ax, DATA_16
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, REAL_STACK
    mov eax, cr0
    and eax, ~(1 | CR0_TS)              ; the BIOS may use the x87 if it likes, without #NM
    mov cr0, eax
    jmp 0:LOW(.real)
.real:
    xor ax, ax
    mov ss, ax
    mov ds, ax
    mov fs, ax
    mov gs, ax
    lidt [LOW(thunk_real_idt)]
    mov eax, [LOW(thunk_registers) + BiosRegisters.eax]
    mov ebx, [LOW(thunk_registers) + BiosRegisters.ebx]
    mov ecx, [LOW(thunk_registers) + BiosRegisters.ecx]
    mov edx, [LOW(thunk_registers) + BiosRegisters.edx]
    mov esi, [LOW(thunk_registers) + BiosRegisters.esi]
    mov edi, [LOW(thunk_registers) + BiosRegisters.edi]
    mov es, [LOW(thunk_registers) + BiosRegisters.es]
    db 0xCD                             ; INT, with its number written here: the processor has no INT with a variable
thunk_number: db 0
    cli
    cld
    push ds
    push 0
    pop ds
    mov [LOW(thunk_registers) + BiosRegisters.eax], eax
    mov [LOW(thunk_registers) + BiosRegisters.ebx], ebx
    mov [LOW(thunk_registers) + BiosRegisters.ecx], ecx
    mov [LOW(thunk_registers) + BiosRegisters.edx], edx
    mov [LOW(thunk_registers) + BiosRegisters.esi], esi
    mov [LOW(thunk_registers) + BiosRegisters.edi], edi
    mov [LOW(thunk_registers) + BiosRegisters.es], es
    pushfd
    pop dword [LOW(thunk_registers) + BiosRegisters.flags]
    o32 lgdt [LOW(thunk_gdt)]           ; a BIOS that visits protected mode itself leaves its own table
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword KERNEL_CODE:LOW(thunk_back)

    bits 32
thunk_back:
    mov eax, KERNEL_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov esp, [LOW(thunk_esp)]
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov eax, [LOW(thunk_cr3)]
    mov cr3, eax
    mov eax, [LOW(thunk_cr0)]
    mov cr0, eax
    jmp .paging
.paging:
    lidt [idt_register]
    ret

    align 4, db 0
thunk_registers: times BiosRegisters_size db 0
thunk_esp: dd 0
thunk_cr3: dd 0
thunk_cr0: dd 0
thunk_real_idt:
    dw 0x3FF
    dd 0
thunk_gdt:
    dw gdt_end - gdt - 1
    dd gdt
thunk_end:

    section .bss
    alignb 4
bios_registers: resb BiosRegisters_size
    section .text
