; ACPI, as far as it takes to switch the machine off. "Advanced Configuration and Power Interface Specification 6.5", chapters 4.8, 5.2 and 7.4.
;
; The firmware leaves a pointer, the RSDP, in the first KiB of its extended data area or at E0000h-FFFFFh. It leads to the RSDT, a list of tables, each with a
; signature, a length and a checksum. The FADT ("FACP") says where the power management registers are; the DSDT, or an SSDT that adds to it, holds
; in a byte code that we only skim the package _S5_: the number that means "off" when it is written to SLP_TYP of the register PM1a_CNT, together with SLP_EN.

TABLE_SIGNATURE equ 0
TABLE_LENGTH    equ 4
TABLE_DATA      equ 36

FADT_DSDT       equ 40
FADT_SMI        equ 48
FADT_ENABLE     equ 52
FADT_PM1A       equ 64
FADT_TIMER      equ 76
HPET_ADDRESS    equ 44

SCI_EN          equ 1                   ; PM1_CNT
SLP_EN          equ 1 << 13

acpi_init:
    pushad
    movzx esi, word [extended_area]     ; segment of the extended BIOS data area
    shl esi, 4
    cmp esi, 0x80000
    jb .no_area
    mov ecx, 1024 / 16
    call .search
    jnc .found
.no_area:
    mov esi, 0xE0000
    mov ecx, 0x20000 / 16
    call .search
    jc .none
.found:
    mov eax, [esi + 16]                 ; the RSDT
    call acpi_map
    jc .none
    cmp dword [eax], 'RSDT'
    jne .none
    mov [acpi_rsdt], eax

    mov eax, 'FACP'
    call acpi_find
    jc .none
    mov [acpi_fadt], eax
    mov ebx, eax
    mov eax, [ebx + FADT_PM1A]
    mov [acpi_pm1a], eax
    mov eax, [ebx + FADT_TIMER]
    mov [acpi_timer], eax
    mov eax, [ebx + FADT_DSDT]
    call acpi_map
    jc .none
    call acpi_scan
    jnc .none
    mov esi, [acpi_rsdt]                ; not in the DSDT: in one of the tables that add to it
    mov ecx, [esi + TABLE_LENGTH]
    sub ecx, TABLE_DATA
    shr ecx, 2
    add esi, TABLE_DATA
.table:
    jecxz .none
    dec ecx
    lodsd
    call acpi_map
    jc .table
    cmp dword [eax], 'SSDT'
    jne .table
    call acpi_scan
    jc .table
.none:
    popad
    ret

.search:                                ; ESI = start, ECX = paragraphs: returns ESI = the RSDP, carry set when it is not there
    cmp dword [esi], 'RSD '
    jne .other
    cmp dword [esi + 4], 'PTR '
    jne .other
    push ecx
    mov ecx, 20
    call checksum
    pop ecx
    jz .hit
.other:
    add esi, 16
    loop .search
    stc
    ret
.hit:
    clc
    ret

; acpi_scan: EAX = DSDT or SSDT: looks for the package _S5_ and keeps its first number. Carry set: it is not there.
acpi_scan:
    pushad
    mov esi, eax
    mov ecx, [eax + TABLE_LENGTH]
    sub ecx, TABLE_DATA + 8
    jbe .none
    add esi, TABLE_DATA
.byte:                                  ; NameOp (08h), "_S5_" or "\_S5_", PackageOp (12h), length, count, then SLP_TYP of PM1a as byte (0Ah n), 0 or 1
    cmp dword [esi + 2], '_S5_'
    jne .next
    cmp byte [esi + 1], 0x08
    je .named
    cmp word [esi], 0x08 | '\' << 8
    jne .next
.named:
    cmp byte [esi + 6], 0x12
    je .package
.next:
    inc esi
    loop .byte
.none:
    popad
    stc
    ret
.package:
    mov al, [esi + 7]                   ; a length of one to four bytes: bits 7-6 say how many follow
    shr al, 6
    movzx eax, al
    lea esi, [esi + eax + 9]            ; behind length and count
    mov al, [esi]
    cmp al, 0x0A
    jne .constant
    mov al, [esi + 1]
.constant:
    and eax, 7
    mov [acpi_off], eax
    mov byte [acpi_knows_off], 1
    popad
    clc
    ret

; checksum: ESI, ECX bytes. ZF set when their sum is 0.
checksum:
    push eax
    push ecx
    push esi
    xor ah, ah
.next:
    lodsb
    add ah, al
    loop .next
    test ah, ah
    pop esi
    pop ecx
    pop eax
    ret

; acpi_map: EAX = physical address of a table. Returns EAX = its address in the window. Carry set: it has a wrong checksum.
acpi_map:
    push ebx
    push ecx
    push esi
    mov ebx, eax
    mov ecx, TABLE_DATA
    call window_map
    jc .end
    mov ecx, [eax + TABLE_LENGTH]
    cmp ecx, TABLE_DATA
    jb .end
    cmp ecx, 0x100000
    cmc
    jc .end
    mov eax, ebx
    call window_map
    jc .end
    mov esi, eax
    call checksum
    jz .end                             ; carry is clear here
    stc
.end:
    pop esi
    pop ecx
    pop ebx
    ret

; acpi_find: EAX = signature. Returns EAX = address of the table. Carry set: there is none.
acpi_find:
    push ecx
    push edx
    push esi
    mov edx, eax
    mov esi, [acpi_rsdt]
    test esi, esi
    jz .none
    mov ecx, [esi + TABLE_LENGTH]
    sub ecx, TABLE_DATA
    shr ecx, 2
    add esi, TABLE_DATA
.next:
    jecxz .none
    dec ecx
    lodsd
    call acpi_map
    jc .next
    cmp [eax], edx
    jne .next
    clc
.end:
    pop esi
    pop edx
    pop ecx
    ret
.none:
    stc
    jmp .end

; power_off: returns only when the machine cannot be switched off.
power_off:
    PRINT "Good night.", 10
    cmp byte [acpi_knows_off], 0
    je .by_chip
    mov edx, [acpi_pm1a]
    in ax, dx
    test al, SCI_EN
    jnz .enabled
    mov ebx, [acpi_fadt]                ; ACPI mode is entered by telling the firmware, through the port that raises a system management interrupt
    mov edx, [ebx + FADT_SMI]
    test edx, edx
    jz .enabled
    mov al, [ebx + FADT_ENABLE]
    out dx, al
    mov edx, [acpi_pm1a]
    mov ecx, 1000000
.wait:
    in ax, dx
    test al, SCI_EN
    loopz .wait
.enabled:
    cli
    mov ecx, [acpi_off]
    call .sleep
.by_chip:                               ; without tables: the power management of the PIIX4, whose registers are where its configuration says
    mov eax, 0x71138086
    call pci_find_id
    jc .no_way
    lea eax, [esi + 0x40]
    call pci_read
    and eax, 0xFFC0
    jz .no_way
    lea edx, [eax + 4]
    xor ecx, ecx                        ; its SLP_TYP for soft off
    call .sleep
.no_way:
    sti
    PRINT 4, "This machine cannot switch itself off.", 1, 10
    ret

.sleep:                                 ; EDX = PM1_CNT, ECX = SLP_TYP
    in ax, dx
    and ax, ~(7 << 10 | SLP_EN)
    shl ecx, 10
    or eax, ecx
    out dx, ax
    or ax, SLP_EN
    out dx, ax
    mov ecx, 10000000                   ; the power does not go away at once
    loop $
    ret

; reboot: in order of politeness.
reboot:
    cli
    mov ecx, 100000
.ready:
    in al, KBD_STATUS
    test al, 2
    loopnz .ready
    mov al, 0xFE                        ; the keyboard controller pulses the reset line
    out KBD_STATUS, al
    mov ecx, 1000000
    loop $
    OUTB 0xCF9, 0x02                    ; the reset register of the PIIX3: a hard reset,
    OUTB 0xCF9, 0x06                    ; now
    mov ecx, 1000000
    loop $
    lidt [no_idt]                       ; no vectors: an exception, while delivering it, while delivering that: the processor shuts down
    int3

    section .data
    align 4, db 0
no_idt: dw 0
    dd 0
    section .bss
    alignb 4
acpi_rsdt: resd 1
acpi_fadt: resd 1
acpi_pm1a: resd 1
acpi_timer: resd 1
acpi_off: resd 1
acpi_knows_off: resb 1
    alignb 4
    section .text
