namespace Emulator.Tests.Conformance;

/// <summary>Modes in which a vector's result is valid, as the file has them.</summary>
[Flags]
internal enum VectorModes : byte
{
    None = 0,

    /// <summary>Real mode.</summary>
    R16 = 1,

    /// <summary>Virtual-8086 mode, IOPL 3.</summary>
    V86 = 2,

    /// <summary>16-bit protected mode, CPL 3.</summary>
    P16 = 4,

    /// <summary>32-bit protected mode, CPL 3, IOPL 0.</summary>
    U32 = 8,

    /// <summary>Flat 32-bit protected mode, CPL 0.</summary>
    P32 = 16,
}

/// <summary>Attributes of a vector, as the file has them.</summary>
[Flags]
internal enum VectorAttributes : ushort
{
    None = 0,
    Fpu = 1,
    Sse = 2,

    /// <summary>A transcendental or reciprocal estimate: compared with a tolerance.</summary>
    Approx = 4,

    /// <summary>Legal but model-dependent: a difference is a warning.</summary>
    CpuSpecific = 8,

    /// <summary>A sequence of instructions, to HLT or an exception.</summary>
    Sequence = 16,

    /// <summary>The exception is a trap: EIP is behind the instruction and its results are valid.</summary>
    Trap = 64,
}

/// <summary>Environment of a vector: segments and paging.</summary>
internal enum VectorEnvironment : byte
{
    Flat32 = 0,
    Seg16 = 1,
    Sys32 = 2,
    Sys16 = 3,
    Paged32 = 4,
}

/// <summary>A run of memory bytes; the bytes stand in <see cref="VectorFile.Data"/>.</summary>
/// <param name="Address">Linear and physical address.</param>
/// <param name="Offset">Offset in the file's data; unused for ranges that are not compared.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct MemoryRun(uint Address, int Offset, int Length);

/// <summary>Registers of a vector before or after.</summary>
internal sealed class VectorState
{
    public uint[] Gpr { get; } = new uint[8];

    public uint Eip { get; set; }

    public uint Eflags { get; set; }

    /// <summary>ES CS SS DS FS GS.</summary>
    public ushort[] Selectors { get; } = new ushort[6];

    public ushort Fcw { get; set; }

    public ushort Fsw { get; set; }

    /// <summary>Bit p: physical register Rp is not empty.</summary>
    public byte Ftw { get; set; }

    public ushort Fop { get; set; }

    public uint Fip { get; set; }

    public uint Fdp { get; set; }

    /// <summary>By physical register.</summary>
    public ulong[] Significands { get; } = new ulong[8];

    /// <summary>By physical register.</summary>
    public ushort[] SignExponents { get; } = new ushort[8];

    public uint Mxcsr { get; set; }

    /// <summary>XMM0 low, XMM0 high, XMM1 low…</summary>
    public ulong[] Xmm { get; } = new ulong[16];

    public List<MemoryRun> Memory { get; } = [];

    public void SetDefaults()
    {
        for (int i = 0; i < 8; i++)
        {
            Gpr[i] = 0xA0B0C0D0 + (0x01010101u * (uint)i);
            Significands[i] = 0x8000000000000000;
            SignExponents[i] = (ushort)(0x3FFF + i);
            Xmm[2 * i] = 0x0101010101010101UL * (ulong)(0x10 + i);
            Xmm[(2 * i) + 1] = 0x0101010101010101UL * (ulong)(0xA0 + i);
        }

        Gpr[4] = 0x00058000;
        Fcw = 0x37F;
        Fsw = 0;
        Ftw = 0;
        Fop = 0;
        Fip = Fdp = 0;
        Mxcsr = 0x1F80;
        Memory.Clear();
    }

    public void CopyRegistersFrom(VectorState other)
    {
        other.Gpr.CopyTo(Gpr, 0);
        other.Selectors.CopyTo(Selectors, 0);
        other.Significands.CopyTo(Significands, 0);
        other.SignExponents.CopyTo(SignExponents, 0);
        other.Xmm.CopyTo(Xmm, 0);
        (Eip, Eflags, Fcw, Fsw, Ftw, Mxcsr) = (other.Eip, other.Eflags, other.Fcw, other.Fsw, other.Ftw, other.Mxcsr);
        Memory.Clear();
    }
}

/// <summary>One recorded instruction (or sequence); the reader fills the same object again and again.</summary>
internal sealed class Vector
{
    public const byte NoException = 0xFF;

    public const uint NoErrorCode = 0xFFFFFFFF;

    /// <summary>Number in its file, from 0.</summary>
    public int Index { get; set; }

    /// <summary>Name of the Iced code, or of the kind of sequence.</summary>
    public string Code { get; set; } = string.Empty;

    public VectorEnvironment Environment { get; set; }

    public VectorModes Modes { get; set; }

    public VectorAttributes Attributes { get; set; }

    /// <summary>Where the instruction bytes stand in the file's data.</summary>
    public int BytesOffset { get; set; }

    public int BytesLength { get; set; }

    public VectorState Initial { get; } = new();

    /// <summary>Final state, complete: what the file does not list is as in the initial state. Its memory is what changed.</summary>
    public VectorState Final { get; } = new();

    /// <summary>Vector, or <see cref="NoException"/>.</summary>
    public byte Exception { get; set; }

    /// <summary>Error code, or <see cref="NoErrorCode"/>.</summary>
    public uint Error { get; set; }

    public uint Cr2 { get; set; }

    /// <summary>EFLAGS bits that are not compared.</summary>
    public ushort UndefinedFlags { get; set; }

    /// <summary>Registers that are not compared.</summary>
    public byte UndefinedGpr { get; set; }

    /// <summary>Status word bits that are not compared.</summary>
    public ushort UndefinedFsw { get; set; }

    /// <summary>Memory that is not compared.</summary>
    public List<MemoryRun> Ignored { get; } = [];

    public bool Has(VectorAttributes attribute) => (Attributes & attribute) != 0;
}
