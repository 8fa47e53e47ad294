using Emulator.Core.Cpu;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Jit.Verification;

/// <summary>A page of a guest at the time of a divergence.</summary>
/// <param name="Linear">Linear address.</param>
/// <param name="Physical">Physical address, by which pages at two linear addresses are recognized.</param>
/// <param name="Content">Its 4096 bytes.</param>
/// <param name="IsWritten">Whether it could be written without further look.</param>
internal sealed record GuestPage(uint Linear, uint Physical, byte[] Content, bool IsWritten);

/// <summary>
/// A flat image, started in real mode at its first byte, that builds page tables for the pages that a piece of guest code uses, fills the
/// TLB with them, loads all registers and goes on at EIP. Whatever the code does afterwards that is not in the image ends in
/// <c>cli; hlt</c>. Layout, in pages: start-up code, descriptors and register images; IDT, TSS and stack; page directory; page tables; the
/// guest's pages.
/// </summary>
public sealed class ReproducerImage
{
    private const int PageSize = 4096;
    private const uint LowestAddress = 0x10000;
    private const uint End = 0x9F000;
    private const int SystemPages = 2;
    private const uint PageMask = 0xFFFFF000;

    private const int ProtectedCode = 0x40;
    private const int FloatImage = 0x400;
    private const int Registers = 0x700;
    private const int Gdt = 0x800;
    private const int GdtLimit = 0x2F;
    private const int Tail = 0x900;
    private const int Tss = PageSize + 0x800;
    private const int Handler = PageSize + 0x900;
    private const int StackTop = PageSize + 0xFF0;

    private ReproducerImage(uint address, byte[] bytes)
    {
        Address = address;
        Bytes = bytes;
    }

    /// <summary>Physical address to load it at: <c>--rom FILE@ADDRESS</c>.</summary>
    public uint Address { get; }

    /// <summary>The image.</summary>
    public byte[] Bytes { get; }

    /// <summary>Builds an image.</summary>
    /// <param name="s">The state to enter with.</param>
    /// <param name="pages">The pages that the code uses.</param>
    /// <returns>Null when they do not fit below 640 KiB.</returns>
    internal static unsafe ReproducerImage? Build(CpuState* s, IReadOnlyList<GuestPage> pages)
    {
        List<uint> tables = [.. pages.Select(p => p.Linear >> 22).Append(0u).Distinct()];
        List<uint> frames = [.. pages.Select(p => p.Physical & PageMask).Distinct()];
        int length = (SystemPages + 1 + tables.Count + frames.Count) * PageSize;
        uint address = LowestAddress;
        HashSet<uint> used = [.. pages.Select(p => p.Linear >> 12 & 0x3FF)];
        while (used.Contains(address >> 12) || used.Contains((address >> 12) + 1))
        {
            address += PageSize;
        }

        if (address + (uint)length > End)
        {
            return null;
        }

        byte[] image = new byte[length];
        uint directory = address + (SystemPages * PageSize);
        uint firstFrame = directory + (uint)((1 + tables.Count) * PageSize);
        for (int i = 0; i < tables.Count; i++)
        {
            Put(image, (int)(directory - address + (tables[i] * 4)), (directory + (uint)((1 + i) * PageSize)) | 0x67);
        }

        for (uint i = 0; i < SystemPages; i++)
        {
            Map(address + (i * PageSize), address + (i * PageSize), 0x67);
        }

        foreach (GuestPage page in pages)
        {
            uint frame = firstFrame + (uint)(frames.IndexOf(page.Physical & PageMask) * PageSize);
            page.Content.CopyTo(image, (int)(frame - address));
            Map(page.Linear, frame, page.IsWritten ? 0x67u : 0x65u);
        }

        PutStart(image, address);
        PutDescriptors(image, address);
        PutRegisters(image, s);
        Place(ProtectedPart(s, address, directory), image, address, ProtectedCode);
        Place(LastPart(s, address, pages), image, address, Tail);
        return new ReproducerImage(address, image);

        void Map(uint linear, uint frame, uint flags) =>
            Put(image, (int)(directory - address) + ((1 + tables.IndexOf(linear >> 22)) * PageSize) + (int)((linear >> 12 & 0x3FF) * 4), frame | flags);
    }

    private static void Put(byte[] image, int at, uint value) => BitConverter.TryWriteBytes(image.AsSpan(at), value);

    private static void Put(byte[] image, int at, ulong value) => BitConverter.TryWriteBytes(image.AsSpan(at), value);

    /// <summary>Sixteen-bit code: GDT, protected mode, far jump.</summary>
    private static void PutStart(byte[] image, uint address)
    {
        byte[] code =
        [
            0xFA, 0x66, 0x2E, 0x0F, 0x01, 0x16, 0x30, 0x00, 0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0,
            0x66, 0xEA, .. BitConverter.GetBytes(address + ProtectedCode), 0x08, 0x00,
        ];
        code.CopyTo(image, 0);
        BitConverter.TryWriteBytes(image.AsSpan(0x30), (ushort)GdtLimit);
        Put(image, 0x32, address + Gdt);
        BitConverter.TryWriteBytes(image.AsSpan(0x38), (ushort)0x7FF);
        Put(image, 0x3A, address + PageSize);
    }

    private static void PutDescriptors(byte[] image, uint address)
    {
        Put(image, Gdt + 0x08, 0x00CF9B000000FFFF);
        Put(image, Gdt + 0x10, 0x00CF93000000FFFF);
        Put(image, Gdt + 0x18, 0x00CFFB000000FFFF);
        Put(image, Gdt + 0x20, 0x00CFF3000000FFFF);
        Put(image, Gdt + 0x28, 0x0000890000000067 | ((ulong)((address + Tss) & 0xFFFFFF) << 16));
        for (int i = 0; i < 256; i++)
        {
            Put(image, PageSize + (i * 8), ((address + Handler) & 0xFFFF) | 0x80000);
            Put(image, PageSize + (i * 8) + 4, ((address + Handler) & 0xFFFF0000) | 0x8E00);
        }

        Put(image, Tss + 4, address + StackTop);
        Put(image, Tss + 8, 0x10u);
        Put(image, Tss + 0x64, 0x00680000u);
        byte[] halt = [0xFA, 0xF4, 0xEB, 0xFD];
        halt.CopyTo(image, Handler);
    }

    /// <summary>What POPFD, POPAD and FXRSTOR load.</summary>
    private static unsafe void PutRegisters(byte[] image, CpuState* s)
    {
        Put(image, Registers, LazyFlags.Read(s) & ~(Eflags.IF | Eflags.TF | Eflags.NT | Eflags.VM | Eflags.RF));
        int[] order = [7, 6, 5, 4, 3, 2, 1, 0];
        for (int i = 0; i < order.Length; i++)
        {
            Put(image, Registers + 4 + (i * 4), (uint)s->Gpr[order[i]]);
        }

        BitConverter.TryWriteBytes(image.AsSpan(FloatImage), s->Fcw);
        BitConverter.TryWriteBytes(image.AsSpan(FloatImage + 2), s->Fsw);
        image[FloatImage + 4] = s->Ftw;
        BitConverter.TryWriteBytes(image.AsSpan(FloatImage + 6), s->Fop);
        Put(image, FloatImage + 8, s->Fip);
        BitConverter.TryWriteBytes(image.AsSpan(FloatImage + 12), s->Fcs);
        Put(image, FloatImage + 16, s->Fdp);
        BitConverter.TryWriteBytes(image.AsSpan(FloatImage + 20), s->Fds);
        Put(image, FloatImage + 24, s->Mxcsr);
        int top = (s->Fsw >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, top + i);
            Put(image, FloatImage + 32 + (16 * i), r->Significand);
            BitConverter.TryWriteBytes(image.AsSpan(FloatImage + 40 + (16 * i)), r->SignExponent);
            new ReadOnlySpan<byte>(CpuState.XmmBytes(s, i), 16).CopyTo(image.AsSpan(FloatImage + 160 + (16 * i)));
        }
    }

    private static unsafe Assembler ProtectedPart(CpuState* s, uint address, uint directory)
    {
        uint cr0 = s->Cr0 | Cr0.PE | Cr0.PG;
        Assembler a = new(32);
        a.mov(eax, 0x10);
        foreach (AssemblerRegisterSegment segment in new[] { ds, es, ss, fs, gs })
        {
            a.mov(segment, ax);
        }

        a.mov(esp, address + StackTop);
        a.mov(eax, directory);
        a.mov(cr3, eax);
        a.mov(eax, Cr4.OSFXSR | Cr4.OSXMMEXCPT);
        a.mov(cr4, eax);
        a.mov(eax, cr0 & ~(Cr0.TS | Cr0.EM));
        a.mov(AssemblerRegisters.cr0, eax);
        a.lidt(__dword_ptr[address + 0x38]);
        a.mov(eax, 0x28);
        a.ltr(ax);
        a.fxrstor(__dword_ptr[address + FloatImage]);
        a.mov(eax, cr0);
        a.mov(AssemblerRegisters.cr0, eax);
        if (s->Cpl == 3)
        {
            a.push(0x23);
            a.push((int)(address + StackTop - 0x100));
            a.push(0x3002);
            a.push(0x1B);
            a.push((int)(address + Tail));
            a.iretd();
        }
        else
        {
            a.jmp((ulong)(address + Tail));
        }

        return a;
    }

    /// <summary>Touches the pages at the privilege level of the code, loads the registers and goes there.</summary>
    private static unsafe Assembler LastPart(CpuState* s, uint address, IReadOnlyList<GuestPage> pages)
    {
        Assembler a = new(32);
        if (s->Cpl == 3)
        {
            a.mov(eax, 0x23);
            a.mov(ds, ax);
            a.mov(es, ax);
        }

        foreach (GuestPage page in pages)
        {
            if (page.IsWritten)
            {
                a.or(__byte_ptr[page.Linear], 0);
            }
            else
            {
                a.mov(al, __byte_ptr[page.Linear]);
            }
        }

        a.mov(esp, address + Registers);
        a.popfd();
        a.popad();
        a.mov(esp, (uint)s->Gpr[4]);
        a.jmp((ulong)s->Eip);
        return a;
    }

    private static void Place(Assembler assembler, byte[] image, uint address, int at)
    {
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), address + (uint)at);
        stream.ToArray().CopyTo(image, at);
    }
}
