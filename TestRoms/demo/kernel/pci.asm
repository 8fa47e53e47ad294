; The PCI bus. "PCI Local Bus Specification 2.2", chapter 6 and section 3.2.2.3.2 (configuration mechanism 1).
;
; Every function of a device has 256 bytes of configuration space. Its address goes to port CF8h: bit 31 on, bus 23-16, device 15-11, function 10-8,
; register 7-2; the register is then at CFCh.

PCI_ADDRESS     equ 0xCF8
PCI_DATA        equ 0xCFC
PCI_ID          equ 0x00                ; vendor, device
PCI_COMMAND     equ 0x04
PCI_CLASS       equ 0x08                ; revision, interface, subclass, class
PCI_HEADER      equ 0x0C                ; bit 23: the device has several functions
PCI_BAR0        equ 0x10
PCI_BAR4        equ 0x20
PCI_INTERRUPT   equ 0x3C

; pci_read: EAX = bus << 16 | device << 11 | function << 8 | register. Returns EAX.
pci_read:
    push edx
    or eax, 1 << 31
    mov edx, PCI_ADDRESS
    out dx, eax
    mov edx, PCI_DATA
    in eax, dx
    pop edx
    ret

; pci_write: EAX = address as above, ECX = value.
pci_write:
    push eax
    push edx
    or eax, 1 << 31
    mov edx, PCI_ADDRESS
    out dx, eax
    mov edx, PCI_DATA
    mov eax, ecx
    out dx, eax
    pop edx
    pop eax
    ret

; pci_is_there: carry set when there is no such bus: the address register does not keep what is written.
pci_is_there:
    push eax
    push edx
    mov edx, PCI_ADDRESS
    mov eax, 1 << 31
    out dx, eax
    in eax, dx
    cmp eax, 1 << 31
    je .there
    stc
.there:
    pop edx
    pop eax
    ret

; pci_next: ESI = address of a function (start with -100h). Returns ESI = the next function that exists on bus 0, EAX = its identification.
; Carry set: there are no more.
pci_next:
    call pci_is_there
    jc .end
.next:
    add esi, 0x100
    cmp esi, 32 << 11
    jae .end
    mov eax, esi
    call pci_read
    cmp ax, 0xFFFF                      ; nobody answers
    je .absent
    clc
    ret
.absent:
    test esi, 7 << 8
    jnz .next
    add esi, 7 << 8                     ; without function 0 the others are not there either
    jmp .next
.end:
    stc
    ret

; pci_find_class: EAX = class << 8 | subclass. pci_find_id: EAX = device << 16 | vendor. Return ESI = address of the function. Carry set: none.
pci_find_class:
    push eax
    push ecx
    mov ecx, eax
    mov esi, -0x100
.next:
    call pci_next
    jc .end
    lea eax, [esi + PCI_CLASS]
    call pci_read
    shr eax, 16
    cmp eax, ecx
    jne .next
.end:
    pop ecx
    pop eax
    ret

pci_find_id:
    push eax
    push ecx
    mov ecx, eax
    mov esi, -0x100
.next:
    call pci_next
    jc .end
    cmp eax, ecx
    jne .next
.end:
    pop ecx
    pop eax
    ret

; pci_print: what "pci" shows.
pci_print:
    pushad
    mov esi, -0x100
    call pci_next
    jnc .first
    PRINT "There is no PCI bus", 10
    jmp .end
.first:
    PRINT 2, "  Place    Vendor Device  Interrupt  What", 1, 10
.function:
    mov ebx, eax
    PRINT "  00:"
    mov eax, esi
    shr eax, 11
    call print_hex2
    mov al, '.'
    call console_put
    mov eax, esi
    shr eax, 8
    and eax, 7
    call print_decimal
    PRINT "  "
    mov eax, ebx
    call print_hex4
    PRINT "   "
    shr eax, 16
    call print_hex4
    PRINT "    "
    lea eax, [esi + PCI_INTERRUPT]
    call pci_read
    test ah, ah                         ; pin 0: it uses none
    jz .no_interrupt
    movzx eax, al
    cmp al, 255
    je .no_interrupt
    mov ecx, 2
    call print_decimal_in
    jmp .class
.no_interrupt:
    PRINT " -"
.class:
    mov ecx, 38
    call print_column
    lea eax, [esi + PCI_CLASS]
    call pci_read
    shr eax, 16
    mov edi, pci_classes
.look:
    cmp word [edi], 0xFFFF
    je .unknown
    cmp ax, [edi]
    je .known
    add edi, 6
    jmp .look
.unknown:
    PRINT "class "
    call print_hex4
    jmp .named
.known:
    push esi
    mov esi, [edi + 2]
    call print
    pop esi
.named:
    call new_line
    call pci_next
    jnc .function
.end:
    popad
    ret

    section .data
pci_classes:
    dw 0x0101
    dd .ide
    dw 0x0106
    dd .sata
    dw 0x0200
    dd .ethernet
    dw 0x0300
    dd .vga
    dw 0x0401
    dd .audio
    dw 0x0403
    dd .audio
    dw 0x0600
    dd .host
    dw 0x0601
    dd .isa
    dw 0x0604
    dd .bridge
    dw 0x0680
    dd .other_bridge
    dw 0x0C03
    dd .usb
    dw 0xFFFF
.ide: db "IDE controller", 0
.sata: db "SATA controller", 0
.ethernet: db "Ethernet adapter", 0
.vga: db "VGA display adapter", 0
.audio: db "audio device", 0
.host: db "host bridge", 0
.isa: db "ISA bridge", 0
.bridge: db "PCI bridge", 0
.other_bridge: db "bridge of another kind (power management)", 0
.usb: db "USB controller", 0
    section .text
