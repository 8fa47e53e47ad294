namespace Emulator.Jit;

/// <summary>
/// What is known of the x87 at a point of the emitted code. Registers are named by their number relative to the region's base, which is
/// the physical register that is relative 0 while the region runs.
/// </summary>
/// <param name="Top">Relative number of ST(0).</param>
/// <param name="Map">Four bits a relative register: the local that holds it.</param>
/// <param name="Known">Relative registers whose tag is known.</param>
/// <param name="Valid">Of these, those that are not empty.</param>
/// <param name="Changed">Tags that the tag local does not have yet.</param>
/// <param name="IsChecked">Whether the FPU has been found usable, and the tags as the code up to <see cref="CheckedUntil"/> needs them.</param>
/// <param name="CheckedUntil">Index of the first instruction of the block that the check does not cover.</param>
/// <param name="C1IsZero">Whether C1 is clear whatever its local says.</param>
/// <param name="IsTracked">Whether <see cref="Ip"/> and <see cref="Opcode"/> are newer than the locals.</param>
/// <param name="Ip">EIP of the last instruction that the instruction pointer notices.</param>
/// <param name="Opcode">Its opcode.</param>
/// <param name="DataSegment">Segment of the last memory operand since the start of the block, or -1.</param>
internal readonly record struct X87State(
    int Top, uint Map, uint Known, uint Valid, uint Changed, bool IsChecked, int CheckedUntil, bool C1IsZero, bool IsTracked, uint Ip, ushort Opcode, int DataSegment)
{
    private const uint Identity = 0x76543210;

    /// <summary>The state at the entry of a block.</summary>
    /// <param name="top">Relative number of ST(0).</param>
    public static X87State AtEntry(int top) => new(top, Identity, 0, 0, 0, false, 0, false, false, 0, 0, -1);

    /// <summary>Whether each local holds its own register.</summary>
    public bool IsIdentity => Map == Identity;

    /// <summary>Relative number of ST(i).</summary>
    /// <param name="i">Stack index.</param>
    public int Relative(int i) => (Top + i) & 7;

    /// <summary>The local that holds a register.</summary>
    /// <param name="relative">Relative number.</param>
    public int LocalOf(int relative) => (int)(Map >> (4 * relative)) & 7;

    /// <summary>After an exchange of two registers.</summary>
    /// <param name="a">Relative number.</param>
    /// <param name="b">Relative number.</param>
    public X87State Exchange(int a, int b)
    {
        uint difference = (uint)(LocalOf(a) ^ LocalOf(b));
        return this with { Map = Map ^ (difference << (4 * a)) ^ (a == b ? 0 : difference << (4 * b)) };
    }

    /// <summary>After a register became valid or empty.</summary>
    /// <param name="relative">Relative number.</param>
    /// <param name="valid">Whether it is valid now.</param>
    public X87State Tag(int relative, bool valid)
    {
        uint bit = 1u << relative;
        bool same = (Known & bit) != 0 && ((Valid & bit) != 0) == valid;
        return this with { Known = Known | bit, Valid = valid ? Valid | bit : Valid & ~bit, Changed = same ? Changed : Changed | bit };
    }

    /// <summary>After TOP moved.</summary>
    /// <param name="by">-1 for a push.</param>
    public X87State MoveTop(int by) => this with { Top = (Top + by) & 7 };
}
